package io.rendezvous.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A link is valid until it expires or its entry revokes it. */
class LinkTest {
  private static final Instant NOW = Instant.parse("2026-01-31T12:00:00.123Z");
  private static final Duration HOUR = Duration.ofHours(1);

  private final Entry entry = entry();

  private static Entry entry() {
    return Entry.create(UUID.randomUUID(), List.of("home"), 8, NOW, List.of());
  }

  @Test
  void linkIsValidUntilTheMillisecondInWhichItExpires() {
    Link link = Link.to(entry, "/", HOUR, NOW);
    assertThat(link.isValid(entry, NOW)).isTrue();
    assertThat(link.isValid(entry, NOW.plus(HOUR).minusMillis(1))).isTrue();
    assertThat(link.isValid(entry, NOW.plus(HOUR))).isFalse();
    assertThat(link.isExpired(NOW.plus(HOUR))).isTrue();
    assertThat(link.left(NOW.plusMillis(1))).isEqualTo(HOUR.minusMillis(1));
    assertThat(link.left(NOW.plus(HOUR).plusMillis(1))).isZero();
  }

  @Test
  void linkIsValidForItsOwnEntryOnly() {
    assertThat(Link.to(entry, "/", HOUR, NOW).isValid(entry(), NOW)).isFalse();
  }

  @Test
  void revocationVoidsTheLinksThatWereIssuedBefore() {
    Link before = Link.to(entry, "/", HOUR, NOW);
    Entry revoked = entry.withLinksRevoked(NOW);
    assertThat(before.isValid(revoked, NOW)).isFalse();
    assertThat(before.forCookie(entry).isValidCookie(revoked, NOW)).isFalse();
    assertThat(Link.to(revoked, "/", HOUR, NOW).isValid(revoked, NOW)).isTrue();
  }

  @Test
  void cookieIsVoidOnceThePasswordIsAnother() {
    Link link = Link.to(entry, "/x", HOUR, NOW);
    Entry withPassword = entry.withPassword(Optional.of(password("password")));
    Entry withAnother = entry.withPassword(Optional.of(password("passwords")));
    List<Entry> all = List.of(entry, withPassword, withAnother);
    for (Entry issuedFor : all) {
      for (Entry now : all) {
        assertThat(link.forCookie(issuedFor).isValidCookie(now, NOW))
            .isEqualTo(issuedFor.equals(now));
        assertThat(link.isValid(now, NOW)).isTrue();
      }
    }
  }

  private ClientPassword password(String text) {
    return ClientPassword.of(entry.id(), "rendezvous", text);
  }

  @Test
  void revocationActsAlthoughTheClockWasSetBack() {
    Entry revokedOnce = entry.withLinksRevoked(NOW);
    Instant earlier = NOW.minus(HOUR);
    Link between = Link.to(revokedOnce, "/", HOUR, earlier);
    assertThat(between.isValid(revokedOnce, earlier)).isTrue();
    Entry revokedTwice = revokedOnce.withLinksRevoked(earlier);
    assertThat(between.isValid(revokedTwice, earlier)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/x?y=z#a", "/a//b", "/a\\b", "/%0d%0a", "/ü b", "/.//x"})
  void pathBeginsWithOneSlash(String path) {
    assertThat(Link.to(entry, path, HOUR, NOW).path()).isEqualTo(path);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "x",
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "https://evil.example",
        " /",
        "/\t/evil.example",
        "/a\r\nSet-Cookie: x",
        "/\0",
        "/\u007f",
        "/\u0085"
      })
  void otherPathsAreRefused(String path) {
    assertThatThrownBy(() -> Link.to(entry, path, HOUR, NOW))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void pathIsBounded() {
    assertThat(Link.to(entry, "/" + "a".repeat(1023), HOUR, NOW).path()).hasSize(1024);
    for (String tooLong : List.of("/" + "a".repeat(1024), "/" + "ü".repeat(512))) {
      assertThatThrownBy(() -> Link.to(entry, tooLong, HOUR, NOW))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("1024");
    }
  }

  @Test
  void lifetimeIsPositiveAndThirtyDaysAtMost() {
    assertThat(Link.to(entry, "/", Duration.ofDays(30), NOW).left(NOW)).hasDays(30);
    for (Duration wrong :
        List.of(Duration.ZERO, Duration.ofSeconds(-1), Duration.ofDays(30).plusMillis(1))) {
      assertThatThrownBy(() -> Link.to(entry, "/", wrong, NOW))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("30 days");
    }
  }

  @Test
  void textShowsNothing() {
    assertThat(Link.to(entry, "/secret", HOUR, NOW)).hasToString("Link");
  }
}
