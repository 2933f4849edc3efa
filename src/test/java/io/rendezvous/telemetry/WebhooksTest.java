package io.rendezvous.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.FileStore;
import io.rendezvous.testing.FreePort;
import io.rendezvous.testing.HookReceiver;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tunnel.Presence;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the events that a real broker posts to a real server, with a stepped clock. */
class WebhooksTest {
  private static final byte[] KEY =
      "0123456789abcdefghijklmnopqrstuv".getBytes(StandardCharsets.UTF_8);
  private static final String SECRET = "whsec_" + Base64.getEncoder().encodeToString(KEY);
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  private final TestBroker.SteppedClock clock = new TestBroker.SteppedClock();
  private HookReceiver receiver;
  private Webhooks hooks;
  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    receiver = new HookReceiver();
    begin(new HookSender.Target(receiver.url(), 100, Duration.ofSeconds(20)));
  }

  private void begin(HookSender.Target target) throws Exception {
    stopBroker();
    FileStore store = new FileStore(directory.resolve("entries"));
    hooks = new Webhooks(target, new HookSigner(SECRET), store, clock, 0);
    broker = TestBroker.startObserved(store, clock, List.of(hooks), "wait", "1m");
  }

  private void stopBroker() throws IOException {
    if (broker != null) {
      broker.close();
      hooks.close();
    }
  }

  @AfterEach
  void stop() throws Exception {
    stopBroker();
    receiver.close();
  }

  private void sweep(double seconds) {
    hooks.sweep((long) (seconds * 1e9), broker.broker().connected().counts());
  }

  private static void await(Callable<Boolean> condition) {
    Awaitility.await().until(condition);
  }

  private Presence.Counts counts(Entry entry) {
    return broker.broker().connected().counts().getOrDefault(entry.id(), Presence.Counts.NONE);
  }

  /** Parks a tunnel. */
  private Peer come(Entry entry) throws IOException {
    int parked = counts(entry).parked();
    Peer tunnel = broker.park(entry);
    await(() -> counts(entry).parked() == parked + 1);
    return tunnel;
  }

  /** Parks a tunnel and closes it. */
  private void comeAndGo(Entry entry, double at) throws IOException {
    Peer tunnel = come(entry);
    sweep(at);
    tunnel.end();
    await(() -> !counts(entry).isOnline());
  }

  private void request(UUID id) throws IOException {
    try (Peer client = broker.connect()) {
      String head =
          "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Digest username=\"" + id + "\"\r\n\r\n";
      assertThat(client.send(head).readHead()).startsWith("HTTP/1.1 404 ");
    }
  }

  private static List<String> events(List<HookReceiver.Post> posts) throws IOException {
    List<String> events = new ArrayList<>();
    for (HookReceiver.Post post : posts) {
      events.add(JSON.readTree(post.body()).path("event").asText());
    }
    return events;
  }

  /** Verifies a signature as a library for Standard Webhooks does. */
  private static void assertSigned(HookReceiver.Post post) throws Exception {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(KEY, "HmacSHA256"));
    String signed =
        post.header("webhook-id") + "." + post.header("webhook-timestamp") + "." + post.body();
    byte[] right = mac.doFinal(signed.getBytes(StandardCharsets.UTF_8));
    assertThat(post.header("webhook-signature"))
        .isEqualTo("v1," + Base64.getEncoder().encodeToString(right));
  }

  @Test
  void signatureMatchesTheExampleOfTheStandard() {
    HookSigner signer = new HookSigner("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assertThat(signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"))
        .isEqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  }

  @Test
  void hiddenServerThatComesIsOnline() throws Exception {
    Entry home = broker.addLabelled("home", "home-2");
    try (Peer tunnel = come(home)) {
      come(home);
      sweep(1);
      sweep(2);
      HookReceiver.Post post = receiver.await(1).get(0);
      assertSigned(post);
      assertThat(post.header("Content-Type")).isEqualTo("application/json");
      assertThat(post.header("webhook-id")).startsWith("msg_");
      JsonNode event = JSON.readTree(post.body());
      assertThat(event.path("event").asText()).isEqualTo("online");
      assertThat(event.path("uuid").asText()).isEqualTo(home.id().toString());
      assertThat(event.path("labels").toString()).isEqualTo("[\"home\",\"home-2\"]");
      assertThat(Instant.parse(event.path("time").asText())).isBeforeOrEqualTo(clock.instant());
      await(() -> hooks.delivered() == 1 && hooks.pending() == 0);
      tunnel.end();
    }
  }

  @Test
  void hiddenServerThatIsBackWithinTenSecondsWasNeverOffline() throws Exception {
    comeAndGo(broker.entry(), 0);
    sweep(1); // gone since
    sweep(10.9);
    comeAndGo(broker.entry(), 10.95); // back
    sweep(11);
    sweep(20.9);
    assertThat(events(receiver.await(1))).containsExactly("online");
    sweep(21);
    assertThat(events(receiver.await(2))).containsExactly("online", "offline");
    comeAndGo(broker.entry(), 22);
    assertThat(events(receiver.await(3))).containsExactly("online", "offline", "online");
  }

  @Test
  void hiddenServerWhoseEntryWasDeletedIsOffline() throws Exception {
    try (Peer tunnel = come(broker.entry())) {
      sweep(0);
      broker.store().delete(broker.id());
      tunnel.readAll();
      await(() -> !counts(broker.entry()).isOnline());
      sweep(1);
      sweep(11);
      assertThat(events(receiver.await(2))).containsExactly("online", "offline");
      assertThat(receiver.posts().get(1).body()).contains("\"labels\":[]");
    }
  }

  @Test
  void offlineHiddenServerIsWantedOnceInTenSeconds() throws Exception {
    request(broker.id());
    request(broker.id());
    sweep(1);
    assertThat(events(receiver.await(1))).containsExactly("wanted");
    assertThat(receiver.posts().get(0).body()).contains(broker.id().toString());
    request(broker.id());
    sweep(10.9);
    request(broker.id());
    sweep(11);
    assertThat(events(receiver.await(2))).containsExactly("wanted", "wanted");
    await(() -> hooks.pending() == 0);
    assertThat(hooks.delivered()).isEqualTo(2);
  }

  @Test
  void waitingClientWantsAHiddenServerWhoseTunnelIsGone() throws Exception {
    comeAndGo(broker.entry(), 0);
    try (Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      await(() -> counts(broker.entry()).waiting() == 1);
      sweep(1);
      assertThat(events(receiver.await(2))).containsExactly("online", "wanted");
    }
  }

  @Test
  void hiddenServerIsNotWantedWhenItIsBackOrUnknown() throws Exception {
    request(UUID.randomUUID());
    request(broker.id());
    try (Peer tunnel = come(broker.entry())) {
      sweep(1);
      assertThat(events(receiver.await(1))).containsExactly("online");
      await(() -> hooks.pending() == 0);
      assertThat(hooks.delivered()).isEqualTo(1);
      tunnel.end();
    }
  }

  @Test
  void onlyAFewGuessedIdsAreLookedUp() {
    for (int i = 0; i < 300; i++) {
      hooks.absent(UUID.randomUUID());
    }
    assertThat(hooks.unchecked()).isEqualTo(300 - 256);
    sweep(1);
    hooks.absent(UUID.randomUUID());
    assertThat(hooks.unchecked()).isEqualTo(300 - 256);
  }

  @Test
  void failedEventIsRetriedBeforeTheNext() throws Exception {
    receiver.next(500);
    receiver.next(429);
    comeAndGo(broker.entry(), 0);
    await(() -> hooks.retried() == 1);
    sweep(1); // the second try, and gone since
    await(() -> hooks.retried() == 2);
    sweep(4.9);
    assertThat(receiver.posts()).hasSize(2);
    sweep(11); // offline; and the third try, which is taken
    List<HookReceiver.Post> posts = receiver.await(4);
    assertThat(events(posts)).containsExactly("online", "online", "online", "offline");
    assertThat(posts.subList(0, 3))
        .extracting(p -> p.header("webhook-id"))
        .containsOnly(posts.get(0).header("webhook-id"));
    assertThat(posts.get(3).header("webhook-id")).isNotEqualTo(posts.get(0).header("webhook-id"));
    for (HookReceiver.Post post : posts) {
      assertSigned(post);
    }
    await(() -> hooks.delivered() == 2);
    assertThat(hooks.failed()).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {301, 307, 400, 401, 410})
  void refusedEventIsGivenUp(int status) throws Exception {
    receiver.next(
        exchange -> {
          exchange.getResponseHeaders().add("Location", "/elsewhere");
          exchange.sendResponseHeaders(status, -1);
        });
    comeAndGo(broker.entry(), 0);
    await(() -> hooks.failed() == 1);
    sweep(1);
    sweep(11);
    assertThat(events(receiver.await(2))).containsExactly("online", "offline");
  }

  @Test
  void eventIsGivenUpAfterFiveFailures() throws Exception {
    int port = FreePort.find();
    URI url = URI.create("http://127.0.0.1:" + port + "/");
    begin(new HookSender.Target(url, 100, Duration.ofSeconds(20)));
    comeAndGo(broker.entry(), 0);
    double now = 0;
    for (int i = 0; i < HookSender.DELAYS.size(); i++) {
      int retried = i + 1;
      await(() -> hooks.retried() == retried);
      now += HookSender.DELAYS.get(i).toSeconds();
      hooks.sweep((long) (now * 1e9), Map.of());
    }
    await(() -> hooks.failed() == 1);
    assertThat(now).isEqualTo(60);
    assertThat(hooks.delivered()).isZero();
  }

  @Test
  void eventThatCannotBeSentAtAllIsGivenUpAndHoldsUpNoOther() throws Exception {
    begin(new HookSender.Target(URI.create("ftp://127.0.0.1/"), 100, Duration.ofSeconds(20)));
    for (int i = 0; i < 10; i++) { // more than are sent at the same time
      comeAndGo(broker.addEntry(), 0);
    }
    await(() -> hooks.retried() == 10);
    for (int i = 0; i < HookSender.DELAYS.size(); i++) {
      int retried = Math.min(4, i + 2) * 10;
      hooks.sweep(Duration.ofSeconds(100L * (i + 1)).toNanos(), Map.of());
      await(() -> hooks.retried() >= retried);
    }
    await(() -> hooks.failed() == 10);
  }

  @Test
  void responseThatDoesNotComeOrDoesNotEndIsAFailure() throws Exception {
    begin(new HookSender.Target(receiver.url(), 100, Duration.ofSeconds(1)));
    CountDownLatch over = new CountDownLatch(1);
    receiver.next(exchange -> awaitQuietly(over));
    receiver.next(
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          exchange.getResponseBody().write('x');
          exchange.getResponseBody().flush();
          awaitQuietly(over);
        });
    comeAndGo(broker.entry(), 0);
    await(() -> hooks.retried() == 1);
    sweep(1);
    await(() -> hooks.retried() == 2);
    sweep(5);
    await(() -> hooks.delivered() == 1);
    over.countDown();
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void slowReceiverDelaysEventsAndThoseThatExceedTheMaximumAreDropped() throws Exception {
    begin(new HookSender.Target(receiver.url(), 2, Duration.ofSeconds(20)));
    CountDownLatch over = new CountDownLatch(1);
    receiver.next(
        exchange -> {
          awaitQuietly(over);
          exchange.sendResponseHeaders(204, -1);
        });
    comeAndGo(broker.entry(), 0);
    receiver.await(1);
    sweep(1);
    sweep(11); // offline waits behind online
    await(() -> hooks.pending() == 2);
    Entry other = broker.addEntry();
    comeAndGo(other, 12);
    await(() -> hooks.dropped() == 1);
    assertThat(receiver.posts()).hasSize(1);
    over.countDown();
    assertThat(events(receiver.await(2))).containsExactly("online", "offline");
    await(() -> hooks.delivered() == 2 && hooks.pending() == 0);
  }
}
