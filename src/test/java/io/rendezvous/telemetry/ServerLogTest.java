package io.rendezvous.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.FileStore;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.Refusal;
import io.rendezvous.tunnel.Tunnel;
import io.rendezvous.tunnel.TunnelListener;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests the lines about hidden servers that come, go or are refused, and their number. */
class ServerLogTest {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  @TempDir private Path directory;

  private final TestBroker.SteppedClock clock = new TestBroker.SteppedClock();
  private final ActivityLog activity = new ActivityLog(clock, id -> true);
  private final List<String> lines = new CopyOnWriteArrayList<>();
  private Entry home;
  private Entry bare;
  private ServerLog log;

  @BeforeEach
  void start() throws Exception {
    FileStore store = new FileStore(directory);
    home = Entry.create(UUID.randomUUID(), List.of("home", "h"), 8, clock.instant(), List.of());
    bare = Entry.create(UUID.randomUUID(), List.of(), 8, clock.instant(), List.of());
    store.create(home);
    store.create(bare);
    log = new ServerLog(store, activity, clock, lines::add);
  }

  @AfterEach
  void close() {
    log.close();
  }

  private static String shortId(UUID id) {
    return id.toString().substring(0, 8);
  }

  private static InetSocketAddress from(String address) {
    return new InetSocketAddress(address, 4711);
  }

  private void refused(UUID id, String address) {
    log.refused(
        new Refusal(
            TunnelListener.Side.HIDDEN_SERVER,
            401,
            "unknown UUID or wrong token",
            from(address),
            Optional.of(id)));
  }

  private static Map<UUID, Presence.Counts> parked(UUID id, int count) {
    return Map.of(id, new Presence.Counts(count, 0, 0, false));
  }

  /** Returns the lines, after those that wait were written. */
  private List<String> lines() {
    log.close();
    return lines;
  }

  @Test
  void comingAndGoingHasOneLineEach() {
    UUID id = home.id();
    log.parked(id, from("203.0.113.7"));
    log.parked(id, from("203.0.113.7"));
    log.sweep(0, parked(id, 2));
    log.sweep(SECOND, parked(id, 1));
    activity.ended(id, Tunnel.End.RESET);
    log.sweep(2 * SECOND, Map.of());
    log.sweep(11 * SECOND, Map.of());
    log.sweep(12 * SECOND, Map.of());
    log.sweep(13 * SECOND, Map.of());
    assertThat(lines())
        .containsExactly(
            "home (" + shortId(id) + ") online at 203.0.113.7",
            "home (" + shortId(id) + ") offline, last seen at 203.0.113.7; last tunnel: reset");
  }

  @Test
  void hiddenServerThatIsBackAtOnceWasNeverOffline() {
    log.sweep(0, parked(bare.id(), 1));
    log.sweep(SECOND, Map.of());
    log.sweep(10 * SECOND, parked(bare.id(), 1));
    log.sweep(20 * SECOND, parked(bare.id(), 1));
    assertThat(lines()).containsExactly(shortId(bare.id()) + " online");
  }

  @Test
  void refusalNamesTheHiddenServerTheAddressAndTheReason() {
    UUID unknown = UUID.randomUUID();
    refused(home.id(), "203.0.113.7");
    refused(bare.id(), "203.0.113.8");
    refused(unknown, "203.0.113.9");
    String what = " refused at 203.0.113.";
    assertThat(lines())
        .containsExactly(
            "home (" + shortId(home.id()) + ")" + what + "7: 401 unknown UUID or wrong token",
            shortId(bare.id()) + what + "8: 401 unknown UUID or wrong token",
            shortId(unknown) + " (no entry)" + what + "9: 401 unknown UUID or wrong token");
    assertThat(lines.toString()).doesNotContain(home.id().toString());
  }

  @Test
  void eachUuidAndEachSourceHasOneLineAMinute() {
    refused(home.id(), "203.0.113.7");
    refused(home.id(), "203.0.113.7");
    refused(home.id(), "203.0.113.8");
    refused(bare.id(), "203.0.113.7");
    log.sweep(0, Map.of());
    clock.step(Duration.ofMinutes(1));
    log.sweep(60 * SECOND, Map.of());
    log.sweep(61 * SECOND, Map.of());
    refused(home.id(), "203.0.113.7");
    assertThat(lines()).hasSize(3);
    assertThat(lines.get(1))
        .isEqualTo(
            "3 more refusals of hidden servers were not logged: each UUID and each address has one"
                + " line a minute");
  }

  @Test
  void strangersCannotFillTheLog() {
    for (int i = 0; i < 5000; i++) {
      refused(UUID.randomUUID(), "10.0." + i / 250 + "." + i % 250);
    }
    clock.step(Duration.ofMinutes(1));
    log.sweep(0, Map.of());
    assertThat(lines()).hasSize(LogLimiter.MAX_PER_MINUTE + 1);
    assertThat(lines.get(LogLimiter.MAX_PER_MINUTE)).startsWith("4900 more refusals ");
  }

  @Test
  void clientsAndThoseWhoNameNoUuidHaveNoLine() {
    log.refused(
        new Refusal(
            TunnelListener.Side.CLIENT, 404, "x", from("203.0.113.7"), Optional.of(home.id())));
    log.refused(
        new Refusal(
            TunnelListener.Side.HIDDEN_SERVER, 403, "x", from("203.0.113.7"), Optional.empty()));
    assertThat(lines()).isEmpty();
  }
}
