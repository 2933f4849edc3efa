package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Nonces tell their age, and cannot be made by others (RFC 7616, 3.3). */
class NoncesTest {
  private Instant now = Instant.parse("2026-01-31T12:00:00Z");
  private final Nonces nonces = new Nonces(() -> now);

  @ParameterizedTest
  @CsvSource({"0, true", "299, true", "300, true", "301, false", "100000, false", "-10, true"})
  void nonceIsGoodForFiveMinutes(long seconds, boolean good) {
    String nonce = nonces.create();
    assertThat(nonce).matches("[0-9a-f]{32}").isNotEqualTo(nonces.create());
    now = now.plus(Duration.ofSeconds(seconds));
    assertThat(nonces.isFresh(nonce)).isEqualTo(good);
    assertThat(nonces.isOwn(nonce)).isTrue();
  }

  @Test
  void nonceOfAnotherProcessIsNotGood() {
    Nonces another = new Nonces(() -> now);
    assertThat(another.isFresh(nonces.create())).isFalse();
    assertThat(another.isOwn(nonces.create())).isFalse();
  }

  @Test
  void nonceThatWasChangedIsNotGood() {
    String nonce = nonces.create();
    for (int i = 0; i < nonce.length(); i++) {
      char other = nonce.charAt(i) == '0' ? '1' : '0';
      String changed = nonce.substring(0, i) + other + nonce.substring(i + 1);
      assertThat(nonces.isFresh(changed) || nonces.isOwn(changed)).as("digit %d", i).isFalse();
    }
    for (String other : new String[] {"", "0", "xyz", nonce + "00", nonce.substring(2), "\u0660"}) {
      assertThat(nonces.isFresh(other) || nonces.isOwn(other)).as(other).isFalse();
    }
  }
}
