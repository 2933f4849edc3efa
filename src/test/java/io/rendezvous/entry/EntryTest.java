package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.config.RelayMode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.commons.codec.binary.Base32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Entries are read as any server wrote them, and written without losing anything. */
class EntryTest {
  private static final String ID = "2f402f80-da50-11e1-9b23-0123456789ab";

  /** An entry as node-rendezvous wrote it to Redis. */
  private static final String OLD =
      """
      {"uuid":"2F402F80-da50-11e1-9b23-0123456789ab",
       "authParams":{"name":"home","issuer":"https://x:8898","protocol":"totp","algorithm":"sha1",
                     "length":20,"base32":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"},
       "qrcodeURL":"https://x/qr","authURL":"otpauth://totp/x"}
      """;

  @Test
  void oldEntryIsUnderstood() throws Exception {
    Entry entry = Entry.parse(OLD);
    assertThat(entry.id()).hasToString(ID);
    assertThat(entry.labels()).isEmpty();
    assertThat(entry.totp().digits()).isEqualTo(6);
    assertThat(entry.totp().step()).isEqualTo(30);
    assertThat(entry.totp().token(1, 8)).isEqualTo("94287082");
    assertThat(entry.created()).isEmpty();
  }

  /** An entry that others have written must not get the clients of another one. */
  @Test
  void labelThatIsShapedLikeAUuidDoesNotCount() throws Exception {
    String uuid = "2F402F80-da50-11e1-9b23-0123456789ab";
    String json = create("home").toJson().replace("[\"home\"]", "[\"" + uuid + "\",\"home\"]");
    Entry entry = Entry.parse(json);
    assertThat(entry.labels()).containsExactly("home");
    assertThat(entry.toJson()).contains(uuid);
  }

  @Test
  void unknownKeysAreKept() throws Exception {
    assertThat(Entry.parse(Entry.parse(OLD).toJson()).toJson())
        .contains("\"qrcodeURL\":\"https://x/qr\"")
        .contains("\"length\":20");
  }

  @Test
  void newEntryHasASecretOfItsOwn() {
    Entry one = create("home");
    Entry two = create("home");
    assertThat(one.totp().base32()).hasSize(32).isNotEqualTo(two.totp().base32());
    assertThat(one.totp().digits()).isEqualTo(8);
  }

  /** The hidden servers of 2013 take the secret for a string. */
  @Test
  void secretForSixDigitsIsMadeOfLettersAndDigits() {
    Entry old = Entry.create(UUID.randomUUID(), List.of(), 6, Instant.EPOCH, List.of());
    for (Entry entry : List.of(old, old.rotated(Instant.EPOCH, Duration.ZERO))) {
      byte[] secret = new Base32().decode(entry.totp().base32());
      assertThat(new String(secret, StandardCharsets.ISO_8859_1)).matches("[A-Za-z0-9]{40}");
    }
    assertThat(old.rotated(Instant.EPOCH, Duration.ZERO).totp().base32())
        .isNotEqualTo(old.totp().base32());
  }

  /** The Kelvin sign and the dotted capital I are letters with ASCII ones as lower case. */
  @ParameterizedTest
  @ValueSource(strings = {"\u212aitchen", "\u0130nn", "home\u0085", "home\n"})
  void labelIsNotMadeOfOtherLetters(String label) {
    assertThatThrownBy(() -> create(label)).isInstanceOf(IllegalArgumentException.class);
  }

  private static Entry create(String... labels) {
    return Entry.create(
        UUID.randomUUID(), List.of(labels), 8, Instant.EPOCH, List.of("open", "proxyProtocol"));
  }

  @Test
  void flagsAndTimeAreWritten() {
    assertThat(create().toJson())
        .contains("\"open\":true")
        .contains("\"proxyProtocol\":true")
        .doesNotContain("challenge")
        .contains("\"created\":\"1970-01-01T00:00:00Z\"");
  }

  @Test
  void relayIsOneOfTwoWordsOrLeftToTheSettings() throws Exception {
    Entry guarded = create().withRelay(Optional.of(RelayMode.GUARDED));
    assertThat(guarded.toJson()).contains("\"relay\":\"guarded\"");
    assertThat(Entry.parse(guarded.toJson()).relay()).contains(RelayMode.GUARDED);
    assertThat(guarded.withRelay(Optional.of(RelayMode.RAW)).relay()).contains(RelayMode.RAW);
    assertThat(guarded.withRelay(Optional.empty()).toJson()).doesNotContain("relay");
    String odd = guarded.toJson().replace("guarded", "GUARDED");
    assertThat(Entry.parse(odd).relay()).isEmpty();
  }

  @Test
  void labelsAreInLowerCaseWithoutDuplicates() {
    assertThat(create("Home", "home", "a.b-c", "x:8080").labels())
        .containsExactly("home", "a.b-c", "x:8080");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "-a", "a-", "a..b", ".a", "a_b", "a b", "h\u00e9", "a:", "a:x", ID, "<img>"})
  void malformedLabelIsRefused(String label) {
    assertThatThrownBy(() -> create(label)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void earlierSecretIsAcceptedUntilItExpires() throws Exception {
    Entry entry =
        Entry.parse(
            OLD.replaceFirst(
                "\"qrcodeURL\"",
                """
                "previous":{"until":"2026-01-01T00:00:00Z","authParams":
                {"protocol":"totp","algorithm":"sha1","base32":"MFRGGZDF"}},"qrcodeURL\""""));
    assertThat(entry.totpsAt(Instant.parse("2025-12-31T23:59:59Z"))).hasSize(2);
    assertThat(entry.totpsAt(Instant.parse("2026-01-01T00:00:00Z"))).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{}",
        "{\"uuid\":\"x\"}",
        "{\"uuid\":\"2f402f80-da50-11e1-9b23-0123456789ab\"}",
        "{\"uuid\":\"2f402f80-da50-11e1-9b23-0123456789ab\","
            + "\"authParams\":{\"protocol\":\"x\",\"base32\":\"MFRGGZDF\"}}",
        "{\"uuid\":\"2f402f80-da50-11e1-9b23-0123456789ab\",MFRGGZDF"
      })
  void malformedEntryIsRefusedWithoutShowingIt(String text) {
    assertThatThrownBy(() -> Entry.parse(text))
        .isInstanceOf(IOException.class)
        .hasMessageNotContaining("MFRGGZDF");
  }

  @Test
  void earlierSecretIsAcceptedForTheOverlap() {
    Instant now = Instant.EPOCH;
    Entry old = create("home");
    Entry rotated = old.rotated(now, Duration.ofHours(1));
    assertThat(rotated.totp()).isNotEqualTo(old.totp());
    assertThat(rotated.labels()).isEqualTo(old.labels());
    assertThat(rotated.previousUntil()).contains(now.plus(Duration.ofHours(1)));
    assertThat(rotated.totpsAt(now.plus(Duration.ofMinutes(59))))
        .containsExactly(rotated.totp(), old.totp());
    assertThat(rotated.totpsAt(now.plus(Duration.ofHours(1)))).containsExactly(rotated.totp());
  }

  @Test
  void revokedSecretIsNotAccepted() {
    Instant now = Instant.EPOCH;
    Entry old = create("home").rotated(now, Duration.ofHours(1));
    Entry revoked = old.revoked(now);
    assertThat(revoked.totpsAt(now)).containsExactly(revoked.totp());
    assertThat(revoked.totp()).isNotIn(old.totpsAt(now));
    assertThat(revoked.revoked()).contains("1970-01-01T00:00:00Z");
    assertThat(revoked.flags()).containsExactly("open", "proxyProtocol");
  }

  @Test
  void keysDerivedFromTheOldSecretAreRemoved() throws Exception {
    assertThat(Entry.parse(OLD).revoked(Instant.EPOCH).toJson())
        .doesNotContain("qrcodeURL", "authURL", "length", "GEZDGNBV")
        .contains("\"issuer\":\"https://x:8898\"");
  }

  @Test
  void textShowsTheUuidOnly() throws Exception {
    assertThat(Entry.parse(OLD)).hasToString("Entry[" + ID + "]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1-1-1-1-1", "2f402f80da5011e19b230123456789ab", ID + "x", " " + ID})
  void incompleteUuidIsRefused(String text) {
    assertThat(Entry.parseId(text)).isEmpty();
  }

  @Test
  void linksAreRevokedFromAMomentOn() throws Exception {
    Entry entry = create("home");
    assertThat(entry.linksSince()).isEqualTo(Instant.EPOCH);
    Instant now = Instant.parse("2026-01-31T12:00:00.123Z");
    Entry revoked = Entry.parse(entry.withLinksRevoked(now).toJson());
    assertThat(revoked.toJson()).contains("\"linksSince\":1769860800124");
    assertThat(revoked.linksSince()).isAfter(now);
    assertThat(revoked.with(List.of("house"), 8, List.of()).linksSince())
        .isEqualTo(revoked.linksSince());
  }
}
