package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.entry.ClientPassword.Algorithm;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Passwords are stored as digests, and a store that is wrong lets nobody in. */
class ClientPasswordTest {
  private static final UUID ID = UUID.fromString("2F402F80-DA50-11E1-9B23-0123456789AB");
  private static final String PASSWORD = "open sesame";

  private static Entry entry() {
    return Entry.create(ID, List.of("home"), 8, Instant.EPOCH, List.of());
  }

  private static ClientPassword readAgain(ClientPassword password) throws Exception {
    String json = entry().withPassword(Optional.of(password)).toJson();
    return Entry.parse(json).password().orElseThrow();
  }

  private static Entry withViewer(String json) throws Exception {
    return Entry.parse(entry().toJson().replaceFirst("}$", ",\"viewer\":" + json + "}"));
  }

  @Test
  void ha1IsThatOfTheUuidInLowerCase() {
    String text = "2f402f80-da50-11e1-9b23-0123456789ab:the realm:" + PASSWORD;
    ClientPassword password = ClientPassword.of(ID, "the realm", PASSWORD);
    for (Algorithm algorithm : Algorithm.values()) {
      assertThat(password.ha1(algorithm)).contains(algorithm.digest(text));
    }
    assertThat(password.realm()).isEqualTo("the realm");
    assertThat(Algorithm.MD5.digest("a")).isEqualTo("0cc175b9c0f1b6a831c399e269772661");
  }

  @Test
  void passwordSurvivesTheStore() throws Exception {
    ClientPassword stored = readAgain(ClientPassword.of(ID, "r", "größe\u20ac 8"));
    String sent =
        new String("größe\u20ac 8".getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    assertThat(stored.matches(sent)).isTrue();
    assertThat(stored.matches("größe 8")).isFalse();
    assertThat(stored.matches("")).isFalse();
  }

  @Test
  void changesOfTheEntryKeepThePassword() {
    Entry open = entry();
    Entry entry = open.withPassword(Optional.of(ClientPassword.of(ID, "r", PASSWORD)));
    for (Entry changed :
        List.of(entry.with(List.of("garden"), 6, List.of("open")), entry.revoked(Instant.EPOCH))) {
      assertThat(changed.password().orElseThrow().matches(PASSWORD)).isTrue();
    }
    assertThat(entry.withPassword(Optional.empty())).isEqualTo(open);
    assertThat(open.hasPassword()).isFalse();
    assertThat(open.password()).isEmpty();
  }

  @Test
  void nothingThatIsPrintedShowsIt() {
    ClientPassword password = ClientPassword.of(ID, "r", PASSWORD);
    assertThat(password).hasToString("ClientPassword");
    assertThat(entry().withPassword(Optional.of(password))).hasToString("Entry[" + ID + "]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "true",
        "\"open sesame\"",
        "{\"realm\":\"r\"}",
        "{\"realm\":\"r\",\"ha1\":\"x\"}",
        "{\"realm\":\"r\",\"ha1\":{\"md5\":\"\",\"sha256\":null}}",
        "{\"realm\":\"r\",\"ha1\":{\"md5\":\"0cc175b9c0f1b6a831c399e26977266\",\"sha256\":5}}"
      })
  void malformedPasswordIsOneThatNobodyKnows(String json) throws Exception {
    Entry entry = withViewer(json);
    assertThat(entry.hasPassword()).isTrue();
    assertThat(entry.password().orElseThrow().matches("")).isFalse();
    assertThat(entry.password().orElseThrow().ha1(Algorithm.MD5)).isEmpty();
  }

  @Test
  void oneDigestIsEnough() throws Exception {
    String ha1 = Algorithm.MD5.digest(ID + ":r:" + PASSWORD).toUpperCase(Locale.ROOT);
    Entry entry = withViewer("{\"realm\":\"r\",\"ha1\":{\"md5\":\"" + ha1 + "\"}}");
    assertThat(entry.password().orElseThrow().matches(PASSWORD)).isTrue();
    assertThat(withViewer("null").hasPassword()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "1234567",
        "with\nline break",
        "with\u0000zero",
        " before it",
        "after it ",
        "with\u007fdel"
      })
  void unsuitablePasswordIsRefused(String password) {
    assertThatThrownBy(() -> ClientPassword.of(ID, "r", password))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ClientPassword.of(ID, "r", "x".repeat(257)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
