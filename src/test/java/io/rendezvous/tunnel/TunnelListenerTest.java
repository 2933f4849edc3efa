package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Several listeners are told as if each were alone. */
class TunnelListenerTest {
  private static final UUID ID = new UUID(1, 1);
  private static final Rendezvous RENDEZVOUS =
      new Rendezvous(
          ID,
          InetSocketAddress.createUnresolved("client", 1),
          Instant.EPOCH,
          Duration.ZERO,
          1,
          new Rendezvous.Traffic() {
            @Override
            public long bytesIn() {
              return 0;
            }

            @Override
            public long bytesOut() {
              return 0;
            }
          },
          () -> 0);

  private final List<String> told = new ArrayList<>();

  private static final InetSocketAddress FROM = new InetSocketAddress("192.0.2.1", 4711);

  /** Notes what it is told under its name. */
  private final class Noting implements TunnelListener {
    private final String name;

    Noting(String name) {
      this.name = name;
    }

    private void note(Object... what) {
      told.add(name + " " + List.of(what));
    }

    @Override
    public void parked(UUID id, InetSocketAddress from) {
      note("parked", id, from.getAddress().getHostAddress());
    }

    @Override
    public void ended(UUID id, Tunnel.End why) {
      note("ended", id, why);
    }

    @Override
    public void probed(UUID id, ProbeOutcome outcome, Duration took) {
      note("probed", id, outcome, took);
    }

    @Override
    public void absent(UUID id) {
      note("absent", id);
    }

    @Override
    public void paired(Rendezvous rendezvous) {
      note("paired", rendezvous.number());
    }

    @Override
    public void reached(Rendezvous rendezvous) {
      note("reached", rendezvous.number());
    }

    @Override
    public void over(Rendezvous rendezvous) {
      note("over", rendezvous.number());
    }

    @Override
    public void refused(Refusal refusal) {
      note("refused", refusal.side(), refusal.status());
    }
  }

  private static void tellAll(TunnelListener listener) {
    listener.parked(ID, FROM);
    listener.ended(ID, Tunnel.End.RESET);
    listener.probed(ID, TunnelListener.ProbeOutcome.SILENT, Duration.ofSeconds(2));
    listener.absent(ID);
    listener.paired(RENDEZVOUS);
    listener.reached(RENDEZVOUS);
    listener.over(RENDEZVOUS);
    listener.refused(
        new Refusal(TunnelListener.Side.CLIENT, 404, "not connected", FROM, Optional.of(ID)));
  }

  @Test
  void eachIsToldEverythingInOrder() {
    tellAll(TunnelListener.all(List.of(new Noting("a"), new Noting("b"))));
    List<String> expected = new ArrayList<>();
    long number = RENDEZVOUS.number();
    for (String event :
        List.of(
            "[parked, " + ID + ", 192.0.2.1]",
            "[ended, " + ID + ", RESET]",
            "[probed, " + ID + ", SILENT, PT2S]",
            "[absent, " + ID + "]",
            "[paired, " + number + "]",
            "[reached, " + number + "]",
            "[over, " + number + "]",
            "[refused, CLIENT, 404]")) {
      expected.add("a " + event);
      expected.add("b " + event);
    }
    assertThat(told).isEqualTo(expected);
  }

  @Test
  void listenerNeedNotListenToAnything() {
    tellAll(new TunnelListener() {});
    assertThat(told).isEmpty();
  }

  /** Fails whatever it is told. */
  private static final class Failing implements TunnelListener {
    @Override
    public void parked(UUID id, InetSocketAddress from) {
      throw new IllegalStateException("parked");
    }

    @Override
    public void ended(UUID id, Tunnel.End why) {
      throw new IllegalStateException("ended");
    }
  }

  @Test
  void listenerThatFailsStopsNeitherTheOthersNorTheTunnels() {
    TunnelListener listener = TunnelListener.all(List.of(new Failing(), new Noting("b")));
    TunnelRegistry registry = new TunnelRegistry(TestRegistry.limits(1, 100, 4), listener, () -> 0);
    FakeEventLoop loop = new FakeEventLoop(() -> 0);
    FakeConnection replaced = new FakeConnection("c1", loop, "192.0.2.1", () -> {});
    FakeConnection parked = new FakeConnection("c2", loop, "192.0.2.1", () -> {});
    String log =
        logged(
            () -> {
              for (FakeConnection connection : List.of(replaced, parked)) {
                registry.park(TestRegistry.entry(ID), "", TestRegistry.ASKED_FROM, connection, 0);
              }
            });
    assertThat(replaced.isOpen()).isFalse();
    assertThat(registry.counts(ID).parked()).isEqualTo(1);
    assertThat(told)
        .containsExactly(
            "b [parked, " + ID + ", 127.0.0.1]",
            "b [parked, " + ID + ", 127.0.0.1]",
            "b [ended, " + ID + ", REPLACED]");
    assertThat(log).contains("A listener failed", "IllegalStateException: parked");
  }

  private static String logged(Runnable run) {
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    PrintStream before = System.err;
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try {
      run.run();
    } finally {
      System.setErr(before);
    }
    return log.toString(StandardCharsets.UTF_8);
  }
}
