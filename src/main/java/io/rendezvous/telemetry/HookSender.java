package io.rendezvous.telemetry;

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
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Posts events, those of one hidden server one after the other, and tries again where that may
 * help. What finds too many before it is dropped and counted.
 *
 * <p>Any thread may call; none waits. One lock guards it all; nothing is sent or logged under it.
 */
final class HookSender {
  private static final Logger LOG = LoggerFactory.getLogger(HookSender.class);
  private static final int AT_ONCE = 8;
  private static final Duration THREAD_IDLES = Duration.ofSeconds(10);
  private static final Duration CONNECT_TIME = Duration.ofSeconds(5);

  /** How long after a failure the next try is; five tries in about a minute. */
  static final List<Duration> DELAYS =
      List.of(
          Duration.ofSeconds(1),
          Duration.ofSeconds(4),
          Duration.ofSeconds(15),
          Duration.ofSeconds(40));

  /**
   * Where to, and how much.
   *
   * @param url where events are posted to
   * @param most how many events may wait
   * @param answerTime how long an answer may take, with its body
   */
  record Target(URI url, int most, Duration answerTime) {}

  /** How many events came to what. */
  record Counts(int pending, long delivered, long retried, long failed, long dropped) {}

  private record Message(String id, String body) {}

  /** The events of one hidden server, the first of which is sent next, or being sent. */
  private static final class Lane {
    final UUID hiddenServer;
    final Deque<Message> messages = new ArrayDeque<>();
    int failures; // of the first
    long dueAt;

    Lane(UUID hiddenServer, long dueAt) {
      this.hiddenServer = hiddenServer;
      this.dueAt = dueAt;
    }
  }

  private final Target target;
  private final HookSigner signer;
  private final InstantSource clock;
  private final HttpClient client;

  // Guarded by this.
  private final Map<UUID, Lane> lanes = new HashMap<>();
  private final Queue<Lane> due =
      new PriorityQueue<>((a, b) -> Long.signum(a.dueAt - b.dueAt)); // but those being sent
  private int sending;
  private int pending;
  private long delivered;
  private long retried;
  private long failed;
  private long dropped;
  private long now;
  private boolean inTrouble;
  private boolean closed;

  HookSender(Target target, HookSigner signer, InstantSource clock, long now) {
    this.target = target;
    this.signer = signer;
    this.clock = clock;
    this.now = now;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(CONNECT_TIME)
            .executor(thread())
            .build();
  }

  private static ThreadPoolExecutor thread() {
    ThreadPoolExecutor thread =
        new ThreadPoolExecutor(
            1,
            1,
            THREAD_IDLES.toSeconds(),
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread made = new Thread(task, "hooks-http");
              made.setDaemon(true);
              return made;
            });
    thread.allowCoreThreadTimeOut(true);
    return thread;
  }

  /** Posts an event, in its turn. */
  void send(UUID hiddenServer, String body) {
    synchronized (this) {
      if (pending >= target.most()) {
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
   * Tries again what is due. To be called from time to time.
   *
   * @param now {@link System#nanoTime}
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
      while (!closed && sending < AT_ONCE) {
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
    long seconds = clock.instant().getEpochSecond();
    HttpRequest request =
        HttpRequest.newBuilder(target.url())
            .header("Content-Type", "application/json")
            .header("User-Agent", "rendezvous")
            .header("webhook-id", message.id())
            .header("webhook-timestamp", Long.toString(seconds))
            .header("webhook-signature", signer.sign(message.id(), seconds, message.body()))
            .POST(HttpRequest.BodyPublishers.ofString(message.body()))
            .build();
    CompletableFuture<HttpResponse<Void>> answer =
        client.sendAsync(request, HttpResponse.BodyHandlers.discarding());
    // The client's own timeout ends with the head of the answer.
    CompletableFuture<HttpResponse<Void>> inTime =
        answer.copy().orTimeout(target.answerTime().toMillis(), TimeUnit.MILLISECONDS);
    CompletableFuture<Void> unused =
        inTime.handle(
            (response, failure) -> {
              if (failure instanceof TimeoutException) {
                answer.cancel(true);
              }
              onAnswer(lane, response == null ? 0 : response.statusCode(), failure);
              return null;
            });
  }

  /**
   * An event was answered, or was not.
   *
   * @param status of the answer, or 0
   */
  private void onAnswer(Lane lane, int status, @Nullable Throwable failure) {
    boolean taken = status >= 200 && status < 300;
    boolean mayHelp = status == 0 || status == 408 || status == 429 || status >= 500;
    boolean givenUp;
    boolean tellsOfTrouble;
    boolean tellsOfItsEnd;
    synchronized (this) {
      sending--;
      givenUp = !taken && (!mayHelp || lane.failures == DELAYS.size());
      tellsOfTrouble = givenUp && !inTrouble;
      tellsOfItsEnd = taken && inTrouble;
      inTrouble = givenUp || inTrouble && !taken;
      if (taken || givenUp) {
        delivered += taken ? 1 : 0;
        failed += givenUp ? 1 : 0;
        next(lane);
      } else {
        retried++;
        lane.dueAt = now + DELAYS.get(lane.failures++).toNanos();
        due.add(lane);
      }
    }
    if (tellsOfTrouble) {
      String why = failure == null ? "answered " + status : reason(failure);
      LOG.warn("Events are not taken by {}: {}", target.url().getHost(), why);
    } else if (tellsOfItsEnd) {
      LOG.info("Events are taken again by {}", target.url().getHost());
    }
    sendDue();
  }

  private void next(Lane lane) {
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

  private static String reason(Throwable failure) {
    Throwable cause = failure.getCause() == null ? failure : failure.getCause();
    return cause instanceof TimeoutException ? "no answer in time" : cause.toString();
  }

  synchronized Counts counts() {
    return new Counts(pending, delivered, retried, failed, dropped);
  }

  /** Sends nothing more. */
  synchronized void close() {
    closed = true;
  }
}
