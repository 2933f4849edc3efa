package io.rendezvous.telemetry;

import io.rendezvous.net.FailureText;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Posts webhook events to one URL. Events of one hidden server are posted in order, those of
 * different ones at the same time. An event that fails is retried, if that may help. Events that
 * exceed the maximum number of pending ones are dropped and counted.
 *
 * <p>Any thread may call; no call blocks. One lock guards all state; nothing is sent or logged
 * while it is held.
 */
final class HookSender {
  private static final Logger LOG = LoggerFactory.getLogger(HookSender.class);

  /** The maximum number of requests at the same time. */
  private static final int MAX_REQUESTS = 8;

  private static final Duration THREAD_IDLE_TIME = Duration.ofSeconds(10);
  private static final Duration MAX_CONNECT_TIME = Duration.ofSeconds(5);

  /** The pauses between the five attempts, which take about a minute. */
  static final List<Duration> DELAYS =
      List.of(
          Duration.ofSeconds(1),
          Duration.ofSeconds(4),
          Duration.ofSeconds(15),
          Duration.ofSeconds(40));

  /**
   * The receiver of events.
   *
   * @param url the URL to which events are posted
   * @param maxPending the maximum number of pending events
   * @param maxTime the time that a response may take, including its body
   */
  record Target(URI url, int maxPending, Duration maxTime) {}

  /**
   * The number of events by their fate.
   *
   * @param pending events that wait, or are being sent
   * @param delivered events with a 2xx response
   * @param retried attempts after the first
   * @param failed events that were given up
   * @param dropped events that came when too many were pending
   */
  record Counts(int pending, long delivered, long retried, long failed, long dropped) {}

  private record Message(String id, String body) {}

  /** The pending events of one hidden server. The first is sent next, or being sent. */
  private static final class Lane {
    final UUID hiddenServer;
    final Deque<Message> messages = new ArrayDeque<>();
    int failures; // of the first message
    long dueAt;

    Lane(UUID hiddenServer, long dueAt) {
      this.hiddenServer = hiddenServer;
      this.dueAt = dueAt;
    }
  }

  private final Target target;
  private final HookSigner signer;
  private final InstantSource clock;
  private final Executor executor = newExecutor();
  private final HttpClient client;

  // Guarded by this. Times are in nanoseconds.
  private final Map<UUID, Lane> lanes = new HashMap<>();
  private final Queue<Lane> due = // without the lanes whose first message is being sent
      new PriorityQueue<>((a, b) -> Long.signum(a.dueAt - b.dueAt));
  private int sending;
  private int pending;
  private long delivered;
  private long retried;
  private long failed;
  private long dropped;
  private long now;
  private boolean inTrouble; // an event was given up, and none was delivered since
  private boolean closed;

  /**
   * Creates a sender.
   *
   * @param now in nanoseconds, as {@link System#nanoTime} tells
   */
  HookSender(Target target, HookSigner signer, InstantSource clock, long now) {
    this.target = target;
    this.signer = signer;
    this.clock = clock;
    this.now = now;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(MAX_CONNECT_TIME)
            .executor(executor)
            .build();
  }

  private static ThreadPoolExecutor newExecutor() {
    ThreadPoolExecutor executor =
        new ThreadPoolExecutor(
            1,
            1,
            THREAD_IDLE_TIME.toSeconds(),
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "hooks-http");
              thread.setDaemon(true);
              return thread;
            });
    executor.allowCoreThreadTimeOut(true);
    return executor;
  }

  /** Posts an event after the earlier ones of the same hidden server. */
  void send(UUID hiddenServer, String body) {
    synchronized (this) {
      if (pending >= target.maxPending()) {
        dropped++;
        return;
      }
      pending++;
      Lane lane = lanes.get(hiddenServer);
      if (lane == null) {
        lane = new Lane(hiddenServer, now);
        lanes.put(hiddenServer, lane);
        due.add(lane);
      }
      lane.messages.add(new Message("msg_" + UUID.randomUUID(), body));
    }
    sendDue();
  }

  /**
   * Retries the events that are due. To be called about once a second.
   *
   * @param now in nanoseconds, as {@link System#nanoTime} tells
   */
  void sweep(long now) {
    synchronized (this) {
      this.now = now;
    }
    sendDue();
  }

  private void sendDue() {
    List<Runnable> posts = new ArrayList<>();
    synchronized (this) {
      while (!closed && sending < MAX_REQUESTS) {
        Lane lane = due.peek();
        if (lane == null || lane.dueAt - now > 0) {
          break;
        }
        due.remove();
        sending++;
        Message message = lane.messages.element();
        posts.add(() -> post(lane, message));
      }
    }
    posts.forEach(Runnable::run);
  }

  private void post(Lane lane, Message message) {
    CompletableFuture<HttpResponse<Void>> response = begin(message);
    // The timeout of the client covers the head of a response only.
    CompletableFuture<HttpResponse<Void>> inTime =
        response.copy().orTimeout(target.maxTime().toMillis(), TimeUnit.MILLISECONDS);
    CompletableFuture<Void> unused =
        inTime.handleAsync(
            (received, failure) -> {
              if (failure instanceof TimeoutException) {
                response.cancel(true);
              }
              onResponse(lane, received == null ? 0 : received.statusCode(), failure);
              return null;
            },
            executor);
  }

  /** Begins a request. If that fails, so does the future: the lane has to go on. */
  private CompletableFuture<HttpResponse<Void>> begin(Message message) {
    try {
      return client.sendAsync(request(message), HttpResponse.BodyHandlers.discarding());
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private HttpRequest request(Message message) {
    long seconds = clock.instant().getEpochSecond();
    return HttpRequest.newBuilder(target.url())
        .header("Content-Type", "application/json")
        .header("User-Agent", "rendezvous")
        .header("webhook-id", message.id())
        .header("webhook-timestamp", Long.toString(seconds))
        .header("webhook-signature", signer.sign(message.id(), seconds, message.body()))
        .POST(HttpRequest.BodyPublishers.ofString(message.body()))
        .build();
  }

  /**
   * Handles the outcome of an attempt.
   *
   * @param status the status of the response, or 0 if there was none
   */
  private void onResponse(Lane lane, int status, @Nullable Throwable failure) {
    boolean accepted = status >= 200 && status < 300;
    boolean retryMayHelp = status == 0 || status == 408 || status == 429 || status >= 500;
    boolean troubleBegins;
    boolean troubleEnds;
    synchronized (this) {
      sending--;
      boolean givenUp = !accepted && (!retryMayHelp || lane.failures == DELAYS.size());
      troubleBegins = givenUp && !inTrouble;
      troubleEnds = accepted && inTrouble;
      inTrouble = givenUp || inTrouble && !accepted;
      if (accepted || givenUp) {
        delivered += accepted ? 1 : 0;
        failed += givenUp ? 1 : 0;
        removeFirst(lane);
      } else {
        retried++;
        lane.dueAt = now + DELAYS.get(lane.failures++).toNanos();
        due.add(lane);
      }
    }
    if (troubleBegins) {
      String reason = failure == null ? "it answered " + status : FailureText.of(failure);
      LOG.warn("Webhook events cannot be delivered to {}: {}", target.url().getHost(), reason);
    } else if (troubleEnds) {
      LOG.info("Webhook events are delivered to {} again", target.url().getHost());
    }
    sendDue();
  }

  private void removeFirst(Lane lane) {
    pending--;
    lane.messages.remove();
    lane.failures = 0;
    lane.dueAt = now;
    if (lane.messages.isEmpty()) {
      lanes.remove(lane.hiddenServer);
    } else {
      due.add(lane);
    }
  }

  synchronized Counts counts() {
    return new Counts(pending, delivered, retried, failed, dropped);
  }

  /** Stops sending. Requests that are under way are not waited for. */
  synchronized void close() {
    closed = true;
  }
}
