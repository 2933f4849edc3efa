package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** The times and bytes of a rendezvous, while it goes on and after its end. */
class RendezvousTest {
  private static final InetSocketAddress CLIENT =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
  private static final Instant BEGAN = Instant.parse("2026-01-31T12:00:00Z");

  private long now = 1_000;
  private long in;
  private long out;
  private final Rendezvous rendezvous = rendezvous();

  private Rendezvous rendezvous() {
    return new Rendezvous(
        new UUID(1, 1),
        CLIENT,
        BEGAN,
        Duration.ofMillis(30),
        2,
        new Rendezvous.Traffic() {
          @Override
          public long bytesIn() {
            return in;
          }

          @Override
          public long bytesOut() {
            return out;
          }
        },
        () -> now);
  }

  private void pass(long millis) {
    now += Duration.ofMillis(millis).toNanos();
  }

  @Test
  void knowsBothSidesAndTheTime() {
    assertThat(rendezvous.id()).isEqualTo(new UUID(1, 1));
    assertThat(rendezvous.client()).isEqualTo(CLIENT);
    assertThat(rendezvous.began()).isEqualTo(BEGAN);
    assertThat(rendezvous.waited()).isEqualTo(Duration.ofMillis(30));
    assertThat(rendezvous.attempt()).isEqualTo(2);
    assertThat(rendezvous().number()).isGreaterThan(rendezvous.number());
  }

  @Test
  void rendezvousGoesOnUntilItIsOver() {
    assertThat(rendezvous.goesOn()).isTrue();
    assertThat(rendezvous.ended()).isEmpty();
    pass(5);
    assertThat(rendezvous.lasted()).isEqualTo(Duration.ofMillis(5));
    rendezvous.over(Rendezvous.End.STOOD_STILL);
    pass(5);
    assertThat(rendezvous.goesOn()).isFalse();
    assertThat(rendezvous.ended()).contains(Rendezvous.End.STOOD_STILL);
    assertThat(rendezvous.lasted()).isEqualTo(Duration.ofMillis(5));
  }

  @Test
  void latencyIsTheTimeFromTheRequestToTheFirstBytes() {
    assertThat(rendezvous.latency()).isEmpty();
    pass(4);
    rendezvous.reached();
    pass(4);
    assertThat(rendezvous.latency()).contains(Duration.ofMillis(34));
  }

  @Test
  void bytesAreThoseOfTheEnd() {
    in = 1;
    out = 2;
    assertThat(rendezvous.bytesIn()).isEqualTo(1);
    assertThat(rendezvous.bytesOut()).isEqualTo(2);
    assertThat(rendezvous.wasAnswered()).isFalse(); // not before its end
    in = 3;
    out = 4;
    rendezvous.over(Rendezvous.End.WHOLE);
    in = 5;
    out = 6;
    assertThat(rendezvous.bytesIn()).isEqualTo(3);
    assertThat(rendezvous.bytesOut()).isEqualTo(4);
    assertThat(rendezvous.wasAnswered()).isTrue();
  }

  @Test
  void rendezvousWithoutAByteWasNotAnswered() {
    rendezvous.over(Rendezvous.End.UNANSWERED);
    assertThat(rendezvous.wasAnswered()).isFalse();
    assertThat(rendezvous.lasted()).isZero();
    assertThat(rendezvous.goesOn()).isFalse();
  }
}
