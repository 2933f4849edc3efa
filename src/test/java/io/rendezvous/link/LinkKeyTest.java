package io.rendezvous.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.link.LinkKey.Purpose;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A token says what was sealed, to the holder of the key, for one purpose. */
class LinkKeyTest {
  private static final UUID ID = UUID.fromString("2f402f80-da50-11e1-9b23-0123456789ab");
  private static final Link LINK = new Link(ID, 1_700_000_000_123L, 1_700_003_600_456L, "/x?ü");

  private final LinkKey key = new LinkKey(LinkKey.create());

  @ParameterizedTest
  @EnumSource(Purpose.class)
  void tokenContainsTheLink(Purpose purpose) {
    String token = key.seal(purpose, LINK);
    assertThat(token).matches("[A-Za-z0-9_-]+");
    assertThat(key.open(purpose, token)).contains(LINK);
  }

  @Test
  void longestPathFitsIntoAToken() {
    Link longest = new Link(ID, 0, 1, "/" + "a".repeat(1023));
    assertThat(key.open(Purpose.LINK, key.seal(Purpose.LINK, longest))).contains(longest);
  }

  @Test
  void linkIsNoCookieAndACookieIsNoLink() {
    assertThat(key.open(Purpose.COOKIE, key.seal(Purpose.LINK, LINK))).isEmpty();
    assertThat(key.open(Purpose.LINK, key.seal(Purpose.COOKIE, LINK))).isEmpty();
  }

  @Test
  void tokenOfAnotherKeyIsNone() {
    LinkKey other = new LinkKey(LinkKey.create());
    assertThat(key.open(Purpose.LINK, other.seal(Purpose.LINK, LINK))).isEmpty();
  }

  @Test
  void tokenWithOneBitChangedIsNone() {
    byte[] token = Base64.getUrlDecoder().decode(key.seal(Purpose.LINK, LINK));
    for (int bit = 0; bit < 8 * token.length; bit++) {
      byte[] changed = token.clone();
      changed[bit / 8] ^= (byte) (1 << bit % 8);
      String text = Base64.getUrlEncoder().withoutPadding().encodeToString(changed);
      assertThat(key.open(Purpose.LINK, text)).as("bit %d", bit).isEmpty();
    }
  }

  @Test
  void tokenWithOneCharacterChangedIsNone() {
    String token = key.seal(Purpose.LINK, LINK);
    for (int at = 0; at < token.length(); at++) {
      for (char c : "AB-_w9=+/ .".toCharArray()) {
        String changed = token.substring(0, at) + c + token.substring(at + 1);
        if (!changed.equals(token)) {
          assertThat(key.open(Purpose.LINK, changed)).as(changed).isEmpty();
        }
      }
    }
  }

  @Test
  void partOfATokenIsNone() {
    String token = key.seal(Purpose.LINK, LINK);
    for (int length = 0; length < token.length(); length++) {
      assertThat(key.open(Purpose.LINK, token.substring(0, length))).isEmpty();
    }
    assertThat(key.open(Purpose.LINK, token + "A")).isEmpty();
    assertThat(key.open(Purpose.LINK, token + "==")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "=", "A", "é", "../../etc/passwd", "\u0000"})
  void otherTextIsNoToken(String text) {
    assertThat(key.open(Purpose.LINK, text)).isEmpty();
  }

  @Test
  void hugeTextIsNoToken() {
    assertThat(key.open(Purpose.LINK, "A".repeat(1_000_000))).isEmpty();
  }

  @Test
  void tokensOfOneLinkDiffer() {
    Set<String> tokens = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      tokens.add(key.seal(Purpose.LINK, LINK));
    }
    assertThat(tokens).hasSize(100);
  }

  @Test
  void tokenShowsNothingOfTheLink() {
    String token = key.seal(Purpose.LINK, LINK);
    byte[] bytes = Base64.getUrlDecoder().decode(token);
    assertThat(new String(bytes, StandardCharsets.ISO_8859_1)).doesNotContain("/x?");
  }

  @Test
  void urlEndsInTheToken() {
    String prefix = "https://broker.example/.well-known/rendezvous/";
    String url = key.url("https://broker.example", LINK);
    assertThat(url).startsWith(prefix);
    assertThat(key.open(Purpose.LINK, url.substring(prefix.length()))).contains(LINK);
  }
}
