package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.Source;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What {@link AuthenticatorTest} would take too long for. */
class GuessLimitsTest {
  private static final Instant NOW = Instant.parse("2026-01-31T12:00:00Z");

  private final GuessLimits limits = new GuessLimits(10, 100);

  private static Source stranger(int number) {
    return new Source("stranger " + number);
  }

  @Test
  void floodOfUuidsWithoutAnEntryDoesNotMakeFailuresForgotten() {
    UUID id = UUID.randomUUID();
    for (int i = 0; i < 100; i++) {
      limits.failed(id, stranger(i), true, NOW);
    }
    for (int i = 0; i < 150_000; i++) {
      limits.failed(new UUID(1, i), stranger(i), false, NOW);
    }
    assertThat(limits.delay(id, stranger(-1), 6, NOW)).isEqualTo(Duration.ofDays(1));
  }

  @Test
  void uuidWithoutAnEntryHasTheSameBudget() {
    UUID id = UUID.randomUUID();
    for (int i = 0; i < 100; i++) {
      assertThat(limits.delay(id, stranger(-1), 6, NOW)).isZero();
      limits.failed(id, stranger(i), false, NOW);
    }
    assertThat(limits.delay(id, stranger(-1), 6, NOW)).isEqualTo(Duration.ofDays(1));
    assertThat(limits.delay(id, stranger(-1), 8, NOW)).isZero();
  }
}
