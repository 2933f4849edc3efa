package io.rendezvous.agent.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.proxy.ReverseProxy;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.ScriptedServer;
import io.rendezvous.testing.Site;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Correct hidden servers pass, and the faults of others are found. */
class ClientCheckTest {
  private static final int STEPS = 14;
  private static final Duration IDLE = Duration.ofMillis(100);
  private static final String SILENCE = "0 s of silence";
  private static final String FINE = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n";

  private final List<CheckResult> results = new ArrayList<>();
  private TestBroker broker;
  private @Nullable ScriptedServer server;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start("wait", "1s");
  }

  @AfterEach
  void stop() throws Exception {
    closeServer();
    broker.close();
  }

  private void closeServer() {
    try {
      if (server != null) {
        server.close();
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private boolean check(Consumer<CheckResult> also) {
    ClientCheck.Plan plan =
        new ClientCheck.Plan(
            broker.id(), new Address("localhost", broker.port()), Keys.trusted(), "/page1", IDLE);
    return new ClientCheck(plan, InstantSource.system(), also.andThen(results::add)).run();
  }

  private void assertPasses() {
    assertThat(check(result -> {})).as(results.toString()).isTrue();
    assertThat(results).hasSize(STEPS).allMatch(CheckResult::passed);
  }

  private void assertFails(String... steps) {
    assertThat(check(result -> {})).as(results.toString()).isFalse();
    assertFailed(steps);
  }

  private void assertFailed(String... steps) {
    assertThat(results.stream().filter(f -> !f.passed()).map(CheckResult::step))
        .as(results.toString())
        .containsExactly(steps);
  }

  private String detail(String step) {
    return results.stream()
        .filter(result -> result.step().equals(step))
        .map(CheckResult::detail)
        .findFirst()
        .orElseThrow();
  }

  private HiddenServer.Builder agent() {
    Provisioning entry =
        new Provisioning(
            broker.id(),
            List.of(),
            broker.entry().totp(),
            "localhost",
            broker.port(),
            Optional.empty());
    return HiddenServer.of(entry).trusting(Keys.trusted());
  }

  private void serve(ScriptedServer.Script script) throws IOException {
    serve(8, Integer.MAX_VALUE, script);
  }

  private void serve(int tunnels, int max, ScriptedServer.Script script) throws IOException {
    server = new ScriptedServer(broker, tunnels, max, script);
  }

  private static ScriptedServer.Script answering(String lines, String body) {
    return (tunnel, head) -> ScriptedServer.answer(tunnel, head, lines, body);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void agentPassesInEitherMode(boolean http) throws Exception {
    try (Site site = new Site();
        HiddenServer agent =
            http
                ? agent()
                    .proxy(
                        URI.create("http://127.0.0.1:" + site.port()),
                        new ReverseProxy.Options(
                            false, true, TrustedCertificates.all(), Duration.ofSeconds(20)))
                : agent().relay(new Address("127.0.0.1", site.port()), true)) {
      Awaitility.await().until(() -> agent.status().parked() == 8);
      assertPasses();
      assertThat(detail("response framing"))
          .isEqualTo("GET: 200, 17 bytes by Content-Length; HEAD: 200");
      assertThat(detail("second request")).isEqualTo("answered on the same connection");
      assertThat(detail("pipelined requests"))
          .isEqualTo("two requests in one packet are both answered");
      assertThat(detail("request in pieces")).contains("200, 17 bytes");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"HTTP/1.0 200 OK\r\n", "HTTP/1.1 200\r\nConnection: close\r\n"})
  void closingAfterEachAnswerPassesWithARemark(String lines) throws Exception {
    ScriptedServer.Script closing =
        (tunnel, head) -> {
          tunnel.readBody(head);
          tunnel.send(lines + "\r\n" + (head.startsWith("HEAD") ? "" : "hello"));
          tunnel.shutdownOutput();
          Octets.untilItBreaks(tunnel.in());
        };
    serve(closing);
    assertPasses();
    assertThat(detail("second request")).contains("each request takes a tunnel");
    assertThat(detail("pipelined requests")).contains("closed after the first response");
    assertThat(detail("half-close")).contains("5 bytes up to the end, 5 without half-close");
  }

  @Test
  void itsOwn503IsAnAnswer() throws Exception {
    String hints = "HTTP/1.1 103 Early Hints\r\n\r\n";
    String lines = "HTTP/1.1 503 Not now\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n";
    serve(answering(hints + lines, "5\r\nhello\r\n0\r\n\r\n"));
    assertPasses();
    assertThat(detail("request")).startsWith("answered 503").contains("hidden server's own");
  }

  @Test
  void nobodyParkedIsFound() {
    assertFails("request");
    assertThat(detail("request")).contains("404", "UUID not registered", "start the hidden server");
  }

  @Test
  void agentWhoseLocalServerIsDownIsFound() throws Exception {
    int free;
    try (LocalServer gone = new LocalServer(connection -> {})) {
      free = gone.port();
    }
    try (HiddenServer agent = agent().relay(new Address("127.0.0.1", free), true)) {
      Awaitility.await().until(() -> agent.status().parked() == 8);
      assertFails("request");
      assertThat(detail("request"))
          .contains("502", "apparently from the broker (the local server cannot be reached)");
    }
  }

  @Test
  void serverThatParksOnceIsFound() throws Exception {
    serve(1, 1, answering(FINE, "hello"));
    assertFails("response framing");
    assertThat(detail("response framing"))
        .contains("apparently from the broker", "park another tunnel");
  }

  @Test
  void serverThatDoesNotParkAgainIsFound() throws Exception {
    serve(8, 10, answering(FINE, "hello"));
    assertFails("20 in a row", "8 at once", "clients that disconnect", SILENCE);
    assertThat(detail("20 in a row")).startsWith("request 4 of 20").contains("park another");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Content-Length: 9          | hello               | GET: the response was cut off: 5 bytes of a Content-Length of 9",
        "Content-Length: 2          | hello               | GET: bytes follow the response",
        "Content-Length: 5, 5       | hello               | GET: malformed Content-Length",
        "Transfer-Encoding: chunked | 4~hello~0~~         | GET: malformed chunk",
        "Transfer-Encoding: chunked | 5~hello~            | GET: the response was cut off: 10 bytes in chunks",
        "Transfer-Encoding: chunked~Content-Length: 15 | 5~hello~0~~ | GET: Content-Length with Transfer-Encoding",
      })
  void wrongFramingIsFound(String lines, String body, String part) throws Exception {
    String answer = "HTTP/1.1 200 OK~" + lines + "~~" + body;
    serve((tunnel, head) -> tunnel.send(answer.replace("~", "\r\n")));
    assertFails("response framing");
    assertThat(detail("response framing")).startsWith(part);
  }

  @Test
  void bodyAfterTheAnswerToHeadIsFound() throws Exception {
    serve((tunnel, head) -> tunnel.send(FINE + "\r\nhello"));
    assertFails("response framing");
    assertThat(detail("response framing")).startsWith("HEAD: HEAD was answered with a body");
  }

  @Test
  void serverThatDoesNotWaitForABodyIsFound() throws Exception {
    ScriptedServer.Script hasty =
        (tunnel, head) -> {
          if (head.startsWith("POST") && tunnel.in().available() == 0) {
            tunnel.reset();
          } else {
            ScriptedServer.answer(tunnel, head, FINE, "hello");
          }
        };
    serve(hasty);
    assertFails("request in pieces");
    assertThat(detail("request in pieces")).contains("502", "a body arrives in pieces");
  }

  @Test
  void serverThatTakesAHalfCloseForTheEndIsFound() throws Exception {
    AtomicBoolean ended = new AtomicBoolean();
    ScriptedServer.Script hasty =
        (tunnel, head) -> {
          // The first such request is the one after which the client closes its own direction.
          if (head.contains("Connection: close") && ended.compareAndSet(false, true)) {
            tunnel.send(FINE + "\r\nhel");
            Octets.untilItBreaks(tunnel.in());
          } else {
            ScriptedServer.answer(tunnel, head, FINE, "hello");
          }
        };
    serve(hasty);
    assertFails("half-close");
    assertThat(detail("half-close"))
        .contains("cut off: 3 bytes of a Content-Length of 5", "allowHalfOpen");
  }

  @Test
  void serverThatDiesWhenAClientDisconnectsIsFound() throws Exception {
    ScriptedServer.Script mortal =
        (tunnel, head) -> {
          try {
            ScriptedServer.answer(tunnel, head, FINE, "hello");
          } catch (IOException e) {
            if (!String.valueOf(e.getMessage()).equals("ended within a head: ")) {
              closeServer();
            }
          }
        };
    serve(mortal);
    assertFails("clients that disconnect", SILENCE);
    assertThat(detail("clients that disconnect"))
        .contains("apparently from the broker", "park another tunnel");
  }

  @Test
  void serverThatLosesItsTunnelsInSilenceIsFound() throws Exception {
    serve(answering(FINE, "hello"));
    assertThat(
            check(
                result -> {
                  if (result.step().equals("clients that disconnect")) {
                    closeServer();
                  }
                }))
        .isFalse();
    assertFailed(SILENCE);
    assertThat(detail(SILENCE)).contains("park another tunnel", "rendezvous.tunnel-age");
  }
}
