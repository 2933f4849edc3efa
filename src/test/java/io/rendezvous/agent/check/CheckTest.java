package io.rendezvous.agent.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.agent.Address;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Totp;
import io.rendezvous.testing.FaultRelay;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The check finds each fault, and says what to do about it. */
class CheckTest {
  private final List<CheckResult> results = new ArrayList<>();
  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start();
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  private Check.Plan plan(Entry entry, int port, TrustedCertificates trust, Duration idle) {
    return new Check.Plan(entry.id(), entry.totp(), new Address("localhost", port), trust, idle);
  }

  private Check.Plan plan(int port) {
    return plan(broker.entry(), port, Keys.trusted(), Duration.ofSeconds(1));
  }

  private boolean check(Check.Plan plan) {
    return new Check(plan, InstantSource.system(), results::add).run();
  }

  private void assertFailed(String step, String... parts) {
    CheckResult last = results.get(results.size() - 1);
    assertThat(results.subList(0, results.size() - 1)).allMatch(CheckResult::passed);
    assertThat(last.passed()).isFalse();
    assertThat(last.step()).isEqualTo(step);
    assertThat(last.detail()).contains(parts);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "proxyProtocol"})
  void everythingPassesAtABrokerThatIsWell(String flag) throws Exception {
    Entry entry = broker.addEntry(flag.isEmpty() ? List.of() : List.of(flag));
    assertThat(check(plan(entry, broker.port(), Keys.trusted(), Duration.ofSeconds(1))))
        .as(results.toString())
        .isTrue();
    assertThat(results).hasSize(10).allMatch(CheckResult::passed);
    broker.awaitParked(0);
  }

  @Test
  void wrongPortIsFound() throws Exception {
    assertThat(check(plan(1))).isFalse();
    assertFailed("connection", "nothing answers at localhost:1", "check the port");
    results.clear();
    try (LocalServer other = new LocalServer(connection -> connection.send("220 mail\r\n"))) {
      assertThat(check(plan(other.port()))).isFalse();
      assertFailed("certificate", "no TLS at localhost:", "check the port");
    }
  }

  @Test
  void wrongNameIsFound() {
    Check.Plan wrong =
        new Check.Plan(
            broker.id(),
            broker.entry().totp(),
            new Address("broker.invalid", 1),
            Keys.trusted(),
            Duration.ofSeconds(1));
    assertThat(check(wrong)).isFalse();
    assertFailed("name", "no address is known for broker.invalid", "check the name");
  }

  @Test
  void wrongAuthorityIsFound() throws Exception {
    TrustedCertificates others = TrustedCertificates.in(Optional.empty());
    assertThat(check(plan(broker.entry(), broker.port(), others, Duration.ofSeconds(1)))).isFalse();
    assertFailed("certificate", "the certificate is not trusted", "check --ca");
  }

  @Test
  void wrongClockIsFound() {
    InstantSource slow = () -> Instant.now().minus(Duration.ofHours(1));
    assertThat(new Check(plan(broker.port()), slow, results::add).run()).isFalse();
    assertFailed("broker", "this machine's clock is 3", "s behind the broker's, so correct it");
  }

  @Test
  void wrongSecretIsFound() throws Exception {
    Totp other = broker.addEntry().totp();
    Check.Plan wrong =
        new Check.Plan(
            broker.id(),
            other,
            new Address("localhost", broker.port()),
            Keys.trusted(),
            Duration.ofSeconds(1));
    assertThat(check(wrong)).isFalse();
    assertFailed("token", "401", "the clocks agree, so check the UUID and the secret");
  }

  @Test
  void fullBrokerIsFound() throws Exception {
    try (TestBroker small = TestBroker.start("limits.parked", "1");
        Peer parked = small.park()) {
      small.awaitParked(1);
      Entry other = small.addEntry();
      assertThat(check(plan(other, small.port(), Keys.trusted(), Duration.ofSeconds(1)))).isFalse();
      assertFailed("token", "503", "the broker is full", "try again later");
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void middleboxThatCutsWhatIsSilentIsFound() throws Exception {
    try (FaultRelay path = new FaultRelay(broker.port())) {
      List<CompletableFuture<Boolean>> cuts = new ArrayList<>();
      Consumer<CheckResult> cutting =
          result -> {
            results.add(result);
            if (result.step().equals("half-close")) {
              cuts.add(
                  Octets.beside(
                      () -> {
                        Awaitility.await().pollDelay(Duration.ofSeconds(1)).until(() -> true);
                        path.cut();
                        return true;
                      }));
            }
          };
      Check.Plan plan = plan(broker.entry(), path.port(), Keys.trusted(), Duration.ofSeconds(10));
      assertThat(new Check(plan, InstantSource.system(), cutting).run()).isFalse();
      assertFailed("10 s of silence", "was cut after", "rendezvous.tunnel-age");
      assertThat(cuts.get(0).get()).isTrue();
    }
  }
}
