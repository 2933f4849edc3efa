package io.rendezvous.entry;

import io.rendezvous.net.FailureText;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RScript;
import org.redisson.client.codec.StringCodec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The changes of entries in a Redis database that matter at once: a channel on which they are
 * published, and a stream that keeps the latest of them. The channel is quick, but what is
 * published while the subscription is interrupted is lost. The stream is read every second from the
 * last position, so nothing is missed.
 *
 * <p>A change is a text: the UUID for a revocation or deletion, {@code password UUID} for a
 * password that was set. Brokers of earlier versions know revocations only, and ignore other texts.
 *
 * <p>The listener is called on the thread {@code redis-changes}.
 */
final class RedisChanges implements AutoCloseable {
  /**
   * Defines functions of Lua for scripts: {@code revoke} if they delete an entry or revoke its
   * secret, {@code set_password} if they set a password. If the stream or the channel is not
   * available, the script goes on, because a deletion has to succeed.
   */
  static final String FUNCTIONS =
      """
      local function tell(change)
        redis.pcall('XADD', 'rendezvous:revoked', 'MAXLEN', '~', 10000, '*', 'uuid', change)
        redis.pcall('PUBLISH', 'rendezvous:deleted', change)
      end
      local function revoke(id) tell(id) end
      local function set_password(id) tell('password ' .. id) end
      """;

  private static final String PASSWORD = "password ";

  private static final Logger LOG = LoggerFactory.getLogger(RedisChanges.class);
  private static final String CHANNEL = "rendezvous:deleted";
  private static final Duration READ_EVERY = Duration.ofSeconds(1);

  /** Only bounds the memory. The stream has what finds the queue full. */
  private static final int MAX_PUBLISHED = 10_000;

  /**
   * Returns the new position in the stream, and the changes after the old one. Without a position,
   * these are those of the last ten seconds: an entry may have been found before the stream could
   * be read. If the stream has lost the old position, it began anew, and all of it is new.
   */
  private static final String READ =
      """
      local stream, position = 'rendezvous:revoked', ARGV[1]
      local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
      local result = {newest and newest[1] or '0-0'}
      if result[1] == position then return result end
      local messages
      if position == '' then
        messages = redis.call('XRANGE', stream, redis.call('TIME')[1] - 10 .. '000', '+')
      else
        local streams = redis.call('XREAD', 'STREAMS', stream, position)
            or redis.call('XREAD', 'STREAMS', stream, '0-0')
        messages = streams and streams[1][2] or {}
      end
      for _, message in ipairs(messages) do table.insert(result, message[2][2]) end
      return result
      """;

  private final RedisClient client;
  private final EntryListener listener;
  private final BlockingQueue<String> published = new LinkedBlockingQueue<>(MAX_PUBLISHED);
  private final Thread thread = new Thread(this::run, "redis-changes");

  // Of the thread.
  private String position = "";
  private boolean warned;
  private @Nullable Future<?> subscription;

  /** What the last turn has told from the stream. It is told only once if it is published now. */
  private List<String> toldFromStream = new ArrayList<>();

  RedisChanges(RedisClient client, EntryListener listener) {
    this.client = client;
    this.listener = listener;
    thread.setDaemon(true);
  }

  /** Starts to call the listener, now or as soon as Redis can be reached. */
  void start() {
    thread.start();
  }

  private void run() {
    List<String> batch = List.of();
    try {
      while (!Thread.interrupted()) {
        try {
          subscribe();
          tellNew(batch);
        } catch (RuntimeException e) { // the next turn may succeed
          LOG.error("The changes in Redis were not read", e);
        }
        batch = takePublished();
      }
    } catch (InterruptedException e) {
      // The store is closed.
    }
  }

  /** Waits until something is published, or it is time to read the stream. */
  private List<String> takePublished() throws InterruptedException {
    List<String> batch = new ArrayList<>();
    String first = published.poll(READ_EVERY.toMillis(), TimeUnit.MILLISECONDS);
    if (first != null) {
      batch.add(first);
      published.drainTo(batch);
    }
    return batch;
  }

  /** Subscribes unless that is done or under way. Redisson keeps a subscription that succeeded. */
  private void subscribe() {
    if (subscription == null || hasFailed(subscription)) {
      subscription = client.submit(this::addListener);
    }
  }

  private Object addListener() {
    return client
        .redisson()
        .getTopic(CHANNEL)
        .addListener(String.class, (channel, change) -> published.offer(change));
  }

  private static boolean hasFailed(Future<?> subscription) {
    try {
      return subscription.isDone() && subscription.get() == null;
    } catch (ExecutionException e) {
      LOG.debug("The subscription to changes failed: {}", String.valueOf(e.getCause()));
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Tells what was published, at once, and then what the stream has besides. */
  private void tellNew(List<String> batch) {
    List<String> told = new ArrayList<>();
    for (String change : batch) {
      if (!toldFromStream.remove(change)) {
        tell(change);
        told.add(change);
      }
    }
    toldFromStream = new ArrayList<>();
    for (String change : readStream()) {
      if (!told.remove(change)) {
        tell(change);
        toldFromStream.add(change);
      }
    }
  }

  /** Returns what was added to the stream since it was last read, if it can be read now. */
  private List<String> readStream() {
    List<String> added = new ArrayList<>();
    try {
      List<String> result = client.call(this::evaluateRead);
      position = result.get(0);
      added.addAll(result.subList(1, result.size()));
    } catch (RedisClient.WrongTypeException e) {
      if (!warned) {
        warned = true;
        LOG.warn("{}: the key rendezvous:revoked is not a stream; delete it", client);
      }
    } catch (IOException e) {
      LOG.debug("The stream of changes cannot be read: {}", FailureText.of(e));
    }
    return added;
  }

  private List<String> evaluateRead() {
    return client
        .redisson()
        .getScript(StringCodec.INSTANCE)
        .eval(RScript.Mode.READ_WRITE, READ, RScript.ReturnType.LIST, List.of(), position);
  }

  private void tell(String change) {
    try {
      if (change.startsWith(PASSWORD)) {
        Entry.parseId(change.substring(PASSWORD.length())).ifPresent(listener::passwordSet);
      } else {
        Entry.parseId(change).ifPresent(listener::revoked);
      }
    } catch (RuntimeException e) { // the others have to be told too
      LOG.error("The change of an entry was not handled", e);
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
