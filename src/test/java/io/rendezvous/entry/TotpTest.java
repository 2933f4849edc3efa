package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.apache.commons.codec.binary.Base32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tokens are those of RFC 6238. */
class TotpTest {
  private static final String SEED = "12345678901234567890";

  /** RFC 6238, appendix B. */
  @ParameterizedTest
  @CsvSource({
    "59, sha1, 94287082",
    "59, sha256, 46119246",
    "59, sha512, 90693936",
    "1111111109, sha1, 07081804",
    "1111111109, sha256, 68084774",
    "1111111109, sha512, 25091201",
    "1111111111, sha1, 14050471",
    "1111111111, sha256, 67062674",
    "1111111111, sha512, 99943326",
    "1234567890, sha1, 89005924",
    "1234567890, sha256, 91819424",
    "1234567890, sha512, 93441116",
    "2000000000, sha1, 69279037",
    "2000000000, sha256, 90698825",
    "2000000000, sha512, 38618901",
    "20000000000, sha1, 65353130",
    "20000000000, sha256, 77737706",
    "20000000000, sha512, 47863826"
  })
  void vectorsOfTheRfc(long time, String algorithm, String token) {
    int length = algorithm.equals("sha1") ? 20 : algorithm.equals("sha256") ? 32 : 64;
    byte[] seed = SEED.repeat(4).substring(0, length).getBytes(StandardCharsets.US_ASCII);
    Totp totp = new Totp(algorithm, new Base32().encodeToString(seed), 30, 6);
    assertThat(totp.token(totp.stepAt(time), 8)).isEqualTo(token);
    assertThat(totp.token(totp.stepAt(time), 6)).isEqualTo(token.substring(2));
  }

  @Test
  void secretIsReadHoweverItIsWritten() {
    Totp plain = new Totp("sha1", "GEZDGNBVGY3TQOJQ", 30, 6);
    Totp odd = new Totp("SHA-1", "gezd gnbv-gy3t qojq====", 30, 6);
    assertThat(odd.token(7, 8)).isEqualTo(plain.token(7, 8));
  }

  @Test
  void tenDigitsAreFilledUp() {
    Totp totp = new Totp("sha1", "GEZDGNBVGY3TQOJQ", 30, 6);
    assertThat(totp.token(1, 10)).hasSize(10).endsWith(totp.token(1, 9).substring(1));
  }

  @ParameterizedTest
  @CsvSource({
    "md5, GEZDGNBV, 30, 6, algorithm",
    "sha1, '', 30, 6, secret",
    "sha1, 18, 30, 6, secret",
    "sha1, GEZDGNB1, 30, 6, secret",
    "sha1, GEZDGNB\u017f, 30, 6, secret",
    "sha1, GEZDGNBV, 0, 6, step",
    "sha1, GEZDGNBV, 86401, 6, step",
    "sha1, GEZDGNBV, 30, 5, digits",
    "sha1, GEZDGNBV, 30, 11, digits"
  })
  void invalidParametersAreRefusedWithoutShowingTheSecret(
      String algorithm, String secret, int step, int digits, String why) {
    assertThatThrownBy(() -> new Totp(algorithm, secret, step, digits))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(why)
        .hasMessageNotContaining("GEZDGNB");
  }

  @ParameterizedTest
  @CsvSource({"1, 6", "86400, 10"})
  void extremesAreAccepted(int step, int digits) {
    Totp totp = new Totp("sha512", "GEZDGNBV", step, digits);
    assertThat(totp.step()).isEqualTo(step);
    assertThat(totp.digits()).isEqualTo(digits);
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "29, 0", "30, 1", "-1, -1", "-30, -1", "-31, -2"})
  void stepsAreCountedFromTheEpoch(long time, long step) {
    assertThat(new Totp("sha1", "GEZDGNBV", 30, 6).stepAt(time)).isEqualTo(step);
  }

  @Test
  void textDoesNotShowTheSecret() {
    assertThat(new Totp("sha1", "GEZDGNBV", 30, 6)).hasToString("Totp[sha1]");
  }
}
