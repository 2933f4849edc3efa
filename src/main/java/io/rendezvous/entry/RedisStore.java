package io.rendezvous.entry;

import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.redisson.Redisson;
import org.redisson.api.RScript;
import org.redisson.api.RedissonClient;
import org.redisson.api.options.KeysScanOptions;
import org.redisson.client.RedisException;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;
import org.redisson.config.SingleServerConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Entries in Redis, a string under the key UUID each, as the older servers keep them. It is
 * connected to when it is first needed, and again when it comes back; each call waits two seconds
 * at most.
 *
 * <p>What Redisson throws names the arguments of a command, a secret among them; so nothing of it
 * goes into the exceptions here but the name of its class.
 */
public final class RedisStore implements EntryStore {
  private static final Logger LOG = LoggerFactory.getLogger(RedisStore.class);
  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final Duration SUBSCRIBE_EVERY = Duration.ofSeconds(1);
  private static final String DELETED = "rendezvous:deleted";
  private static final String UUID_PATTERN = "????????-????-????-????-????????????";
  private static final int BATCH = 500;
  private static final int THREADS = 4;
  private static final int MAX_TRIES = 10;

  /**
   * Puts an entry where there is what is expected: nothing, or an earlier form of it. Says "uuid"
   * where there is something else, or a label that is taken. Labels have no index in the old
   * databases.
   */
  private static final String PUT =
      """
      local now = redis.pcall('GET', KEYS[1]) -- a table where it is no string
      if type(now) == 'table' or (now or '') ~= ARGV[3] then return 'uuid' end
      local cursor = '0'
      repeat
        local page = redis.call('SCAN', cursor, 'MATCH', ARGV[2], 'COUNT', 1000)
        cursor = page[1]
        for _, key in ipairs(#ARGV > 4 and page[2] or {}) do
          local value = key ~= KEYS[1] and redis.pcall('GET', key)
          local fine, entry = pcall(cjson.decode, value)
          if fine and type(entry) == 'table' and type(entry.labels) == 'table' then
            for _, label in ipairs(entry.labels) do
              for i = 5, #ARGV do
                if string.lower(label) == ARGV[i] then return label end
              end
            end
          end
        end
      until cursor == '0' or #ARGV == 4
      redis.call('SET', KEYS[1], ARGV[1])
      if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], KEYS[1]) end
      return ''
      """;

  private static final String DELETE =
      """
      local deleted = redis.call('DEL', KEYS[1])
      if deleted == 1 then redis.call('PUBLISH', ARGV[1], KEYS[1]) end
      return deleted
      """;

  private final String where;
  private final RedissonClient redis;
  private final ExecutorService threads = Executors.newFixedThreadPool(THREADS, RedisStore::daemon);
  private final CountDownLatch closed = new CountDownLatch(1);

  /**
   * Creates the store, without connecting.
   *
   * @param location {@code redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]}, or {@code rediss://} for
   *     TLS
   * @throws IllegalArgumentException if the location is malformed; the message does not show it
   */
  public RedisStore(String location) {
    URI uri = parse(location);
    this.where = "Redis at " + uri.getHost() + ":" + port(uri) + uri.getPath();
    this.redis = Redisson.create(config(uri));
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "redis-store");
    thread.setDaemon(true);
    return thread;
  }

  private static URI parse(String location) {
    try {
      URI uri = URI.create(location);
      if (uri.getHost() != null && uri.getPath().matches("(/\\d{0,4})?")) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      // its message shows the location, and a password in it
    }
    throw new IllegalArgumentException(
        "rendezvous.store is not redis://[:password@]host:port[/db], with special characters of"
            + " the password escaped (%40 for @)");
  }

  private static int port(URI uri) {
    return uri.getPort() < 0 ? 6379 : uri.getPort();
  }

  private static Config config(URI uri) {
    Config config = new Config();
    config.setCodec(StringCodec.INSTANCE); // the default one would run code that it finds there
    config.setLazyInitialization(true);
    config.setThreads(2);
    config.setNettyThreads(2);
    int patience = (int) PATIENCE.toMillis();
    SingleServerConfig server =
        config
            .useSingleServer()
            .setAddress(uri.getScheme() + "://" + uri.getHost() + ":" + port(uri))
            .setConnectTimeout(patience)
            .setTimeout(patience)
            .setRetryAttempts(0)
            .setPingConnectionInterval(5000)
            .setConnectionMinimumIdleSize(1)
            .setConnectionPoolSize(8)
            .setSubscriptionConnectionMinimumIdleSize(1)
            .setSubscriptionConnectionPoolSize(2);
    String path = uri.getPath();
    if (path.length() > 1) {
      server.setDatabase(Integer.parseInt(path.substring(1)));
    }
    String user = uri.getRawUserInfo();
    if (user != null) {
      int colon = user.indexOf(':');
      String name = colon < 0 ? user : user.substring(0, colon);
      if (!name.isEmpty()) {
        config.setUsername(URLDecoder.decode(name, StandardCharsets.UTF_8));
      }
      if (colon >= 0) {
        String password = user.substring(colon + 1).replace("+", "%2B");
        config.setPassword(URLDecoder.decode(password, StandardCharsets.UTF_8));
      }
    }
    return config;
  }

  @Override
  public Optional<Entry> find(UUID id) throws IOException {
    String text = text(id);
    return text == null ? Optional.empty() : read(id.toString(), text);
  }

  private @Nullable String text(UUID id) throws IOException {
    try {
      return ask(() -> redis.<@Nullable String>getBucket(id.toString()).get());
    } catch (WrongTypeException e) {
      return null;
    }
  }

  private Optional<Entry> read(String key, String text) {
    try {
      Entry entry = Entry.parse(text);
      if (entry.id().toString().equals(key)) {
        return Optional.of(entry);
      }
      LOG.warn("{}: the key {} counts as missing: it holds another UUID", where, brief(key));
    } catch (IOException e) {
      LOG.warn("{}: the key {} counts as missing: {}", where, brief(key), e.getMessage());
    }
    return Optional.empty();
  }

  private static String brief(String key) {
    return key.substring(0, 8) + "...";
  }

  @Override
  public List<Entry> list() throws IOException {
    List<Entry> entries = new ArrayList<>();
    try {
      Iterator<String> keys =
          redis
              .getKeys()
              .getKeys(KeysScanOptions.defaults().pattern(UUID_PATTERN).chunkSize(BATCH))
              .iterator();
      List<String> batch = ask(() -> next(keys));
      while (!batch.isEmpty()) {
        String[] names = batch.stream().filter(RedisStore::isId).toArray(String[]::new);
        Map<String, String> found = ask(() -> redis.getBuckets().<String>get(names));
        found.forEach((key, text) -> read(key, text).ifPresent(entries::add));
        batch = ask(() -> next(keys));
      }
    } catch (RedisException | WrongTypeException e) {
      throw unreachable(e);
    }
    return entries;
  }

  private static List<String> next(Iterator<String> keys) {
    List<String> batch = new ArrayList<>();
    while (batch.size() < BATCH && keys.hasNext()) {
      batch.add(keys.next());
    }
    return batch;
  }

  private static boolean isId(String key) {
    return Entry.parseId(key).filter(id -> id.toString().equals(key)).isPresent();
  }

  @Override
  public void create(Entry entry) throws IOException {
    if (!put(entry, "", entry.labels(), false)) {
      throw new IllegalArgumentException("there is an entry with that UUID already");
    }
  }

  @Override
  public Optional<Entry> change(UUID id, UnaryOperator<Entry> how) throws IOException {
    for (int i = 0; i < MAX_TRIES; i++) {
      String text = text(id);
      Optional<Entry> old = text == null ? Optional.empty() : read(id.toString(), text);
      if (text == null || old.isEmpty()) {
        return Optional.empty();
      }
      Entry changed = how.apply(old.get());
      List<String> more = new ArrayList<>(changed.labels());
      more.removeAll(old.get().labels());
      if (put(changed, text, more, !changed.revoked().equals(old.get().revoked()))) {
        return Optional.of(changed);
      }
    }
    throw new IOException(where + ": others keep changing that entry; try again");
  }

  /**
   * Writes an entry.
   *
   * @param expected what must be there now
   * @param labels those to be looked for in others
   * @param tell whether those who listen for revocations are told
   * @return false if there is something else
   * @throws IllegalArgumentException if a label is taken
   */
  private boolean put(Entry entry, String expected, List<String> labels, boolean tell)
      throws IOException {
    List<Object> arguments = new ArrayList<>();
    arguments.add(entry.toJson());
    arguments.add(UUID_PATTERN);
    arguments.add(expected);
    arguments.add(tell ? DELETED : "");
    arguments.addAll(labels);
    String taken = String.valueOf(run(PUT, RScript.ReturnType.VALUE, entry.id(), arguments));
    if (!taken.isEmpty() && !taken.equals("uuid")) {
      throw new IllegalArgumentException("the label " + taken + " belongs to another entry");
    }
    return taken.isEmpty();
  }

  @Override
  public boolean delete(UUID id) throws IOException {
    return run(DELETE, RScript.ReturnType.LONG, id, List.of(DELETED)).equals(1L);
  }

  private Object run(String script, RScript.ReturnType type, UUID id, List<Object> arguments)
      throws IOException {
    try {
      return this.<Object>ask(
          () ->
              redis
                  .getScript(StringCodec.INSTANCE)
                  .eval(
                      RScript.Mode.READ_WRITE,
                      script,
                      type,
                      List.of(id.toString()),
                      arguments.toArray()));
    } catch (WrongTypeException e) {
      throw unreachable(e);
    }
  }

  /** What is under the key is no string, and so no entry. */
  private static final class WrongTypeException extends Exception {
    private static final long serialVersionUID = 1L;
  }

  /** Asks on a thread of the store's own, since connecting takes its time before a command does. */
  private <T> T ask(Callable<T> command) throws IOException, WrongTypeException {
    Future<T> answer = threads.submit(command);
    try {
      return answer.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof RedisException
          && String.valueOf(cause.getMessage()).contains("WRONGTYPE")) {
        throw new WrongTypeException();
      }
      throw unreachable(cause);
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw unreachable(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unreachable(e);
    }
  }

  private IOException unreachable(@Nullable Throwable e) {
    String what = e == null ? "no reason" : e.getClass().getSimpleName();
    return new IOException(where + " cannot be asked now (" + what + ")");
  }

  @Override
  public void onRevoked(Consumer<UUID> listener) {
    Thread subscriber = new Thread(() -> subscribe(listener), "redis-subscriber");
    subscriber.setDaemon(true);
    subscriber.start();
  }

  /** Until it succeeds; from then on Redisson subscribes again when it has to. */
  private void subscribe(Consumer<UUID> listener) {
    try {
      do {
        try {
          ask(
              () ->
                  redis
                      .getTopic(DELETED)
                      .addListener(
                          String.class,
                          (channel, text) -> Entry.parseId(text).ifPresent(listener)));
          return;
        } catch (IOException | WrongTypeException e) {
          LOG.debug("Deletions are not heard of yet: {}", e.getMessage());
        }
      } while (!closed.await(SUBSCRIBE_EVERY.toMillis(), TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public String where() {
    return where;
  }

  @Override
  public void close() {
    closed.countDown();
    threads.shutdownNow();
    redis.shutdown();
  }
}
