package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.apache.commons.codec.binary.Base32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** New secrets fit the hidden servers that use them. */
class SecretsTest {
  private static byte[] decoded(String base32) {
    return new Base32().decode(base32);
  }

  private static String text(String base32) {
    return new String(decoded(base32), StandardCharsets.ISO_8859_1);
  }

  @Test
  void secretForSixDigitsConsistsOfLettersAndDigits() {
    Set<String> secrets = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      assertThat(text(Secrets.create(6))).matches("[A-Za-z0-9]{40}");
      secrets.add(Secrets.create(6));
    }
    assertThat(secrets).hasSize(100);
    assertThat(String.join("", secrets.stream().map(SecretsTest::text).toList()).chars().distinct())
        .hasSize(62);
  }

  @ParameterizedTest
  @ValueSource(ints = {7, 8, 10})
  void secretForMoreDigitsHasTwentyBytes(int digits) {
    assertThat(decoded(Secrets.create(digits))).hasSize(20);
    assertThat(Secrets.create(digits)).isNotEqualTo(Secrets.create(digits));
  }

  @Test
  void entryKeepsTheKindOfItsSecret() throws Exception {
    Instant now = Instant.now();
    Entry six = Entry.create(UUID.randomUUID(), List.of(), 6, now, List.of());
    for (Entry entry : List.of(six, six.rotated(now, Duration.ofHours(1)), six.revoked(now))) {
      assertThat(text(entry.totp().base32())).matches("[A-Za-z0-9]{40}");
    }
    Entry old = Entry.parse(six.toJson().replace(",\"digits\":6", ""));
    assertThat(text(old.revoked(now).totp().base32())).matches("[A-Za-z0-9]{40}");
    Entry eight = Entry.create(UUID.randomUUID(), List.of(), 8, now, List.of());
    assertThat(decoded(eight.revoked(now).totp().base32())).hasSize(20);
  }
}
