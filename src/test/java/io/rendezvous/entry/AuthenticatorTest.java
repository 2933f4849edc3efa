package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Authenticator.Verdict;
import io.rendezvous.net.Source;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who may park a tunnel, under a clock that stands still until it is stepped (PROTOCOL 1.4). */
class AuthenticatorTest {
  @TempDir private Path directory;

  private Instant now = Instant.parse("2026-01-31T12:00:00Z");
  private final Source home = source("192.0.2.1");
  private final Source elsewhere = source("192.0.2.2");
  private FileStore store;
  private Authenticator authenticator;
  private Entry entry;

  @BeforeEach
  void create() throws Exception {
    store = new FileStore(directory.resolve("entries"));
    authenticator = new Authenticator(store, () -> now, 10, 100);
    entry = Entry.create(UUID.randomUUID(), List.of(), 6, now, List.of());
    store.create(entry);
  }

  private static Source source(String address) {
    try {
      return Source.of(InetAddress.getByName(address));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private String token(int stepsAhead, int digits) {
    Totp totp = entry.totp();
    return totp.token(totp.stepAt(now.getEpochSecond()) + stepsAhead, digits);
  }

  private Verdict check(String token, Source source) {
    return authenticator.check(entry.id(), token, source);
  }

  private void step(Duration by) {
    now = now.plus(by);
  }

  @ParameterizedTest
  @CsvSource({"-2, false", "-1, true", "0, true", "1, true", "2, false"})
  void previousCurrentAndNextStepAreGood(int steps, boolean good) {
    assertThat(check(token(steps, 6), home) instanceof Verdict.Accepted).isEqualTo(good);
  }

  @ParameterizedTest
  @CsvSource({"5, false", "6, true", "7, true", "8, true", "9, true", "10, true"})
  void tokenMayHaveFromSixToTenDigits(int digits, boolean good) {
    String token = digits < 6 ? token(0, 6).substring(6 - digits) : token(0, digits);
    assertThat(check(token, home) instanceof Verdict.Accepted).isEqualTo(good);
  }

  @Test
  void tokenHasAtLeastTheDigitsThatTheEntryAsksFor() throws Exception {
    entry = Entry.create(UUID.randomUUID(), List.of(), 8, now, List.of());
    store.create(entry);
    assertThat(check(token(0, 7), home)).isInstanceOf(Verdict.Refused.class);
    assertThat(check(token(0, 8), home)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void sourceUsesItsStepForAsManyTunnelsAsItLikes() {
    for (int i = 0; i < 20; i++) {
      assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Accepted.class);
    }
  }

  @Test
  void stepBelongsToTheSourceThatUsedItFirst() {
    assertThat(check(token(0, 8), home)).isInstanceOf(Verdict.Accepted.class);
    assertThat(check(token(0, 8), elsewhere)).isInstanceOf(Verdict.Refused.class);
    assertThat(check(token(0, 6), elsewhere)).isInstanceOf(Verdict.Refused.class); // its end
    step(Duration.ofSeconds(30));
    assertThat(check(token(-1, 6), elsewhere)).isInstanceOf(Verdict.Refused.class);
    assertThat(check(token(0, 6), elsewhere)).isInstanceOf(Verdict.Accepted.class);
    assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Refused.class);
    assertThat(check(token(-1, 6), home)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void replayIsNotCountedAsAGuess() {
    check(token(0, 6), home);
    for (int i = 0; i < 30; i++) {
      assertThat(check(token(0, 6), elsewhere)).isInstanceOf(Verdict.Refused.class);
    }
    step(Duration.ofSeconds(30));
    assertThat(check(token(0, 6), elsewhere)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void sourceThatGuessesHasToWaitTwiceAsLongEachTime() {
    Duration expected = Duration.ofMinutes(1);
    for (int time = 0; time < 8; time++) {
      for (int i = 0; i < 10; i++) {
        assertThat(check("000000x", elsewhere)).isInstanceOf(Verdict.Refused.class);
      }
      assertThat(check(token(0, 6), elsewhere)).isEqualTo(new Verdict.Throttled(expected));
      step(expected.minusSeconds(1));
      assertThat(check(token(0, 6), elsewhere))
          .isEqualTo(new Verdict.Throttled(Duration.ofSeconds(1)));
      step(Duration.ofSeconds(1));
      expected = expected.multipliedBy(2);
      expected = expected.compareTo(Duration.ofHours(1)) > 0 ? Duration.ofHours(1) : expected;
    }
    step(Duration.ofHours(2));
    for (int i = 0; i < 10; i++) {
      check("000000x", elsewhere);
    }
    assertThat(check(token(0, 6), elsewhere))
        .isEqualTo(new Verdict.Throttled(Duration.ofMinutes(1)));
  }

  @Test
  void tenFailuresAMinuteAreLetPassForEver() {
    for (int minute = 0; minute < 5; minute++) {
      for (int i = 0; i < 9; i++) {
        assertThat(check("000000x", elsewhere)).isInstanceOf(Verdict.Refused.class);
      }
      step(Duration.ofMinutes(1));
    }
    assertThat(check(token(0, 6), elsewhere)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void unknownUuidsAreCountedJustTheSame() {
    for (int i = 0; i < 10; i++) {
      assertThat(authenticator.check(UUID.randomUUID(), "123456", elsewhere))
          .isInstanceOf(Verdict.Refused.class);
    }
    assertThat(authenticator.check(UUID.randomUUID(), "123456", elsewhere))
        .isInstanceOf(Verdict.Throttled.class);
  }

  @Test
  void hundredGuessesAtAUuidMakeShortTokensWaitButNotThoseOfKnownSources() {
    assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Accepted.class);
    for (int i = 0; i < 100; i++) {
      check("000000x", source("198.51.100." + (i + 1)));
    }
    step(Duration.ofSeconds(30));
    assertThat(check(token(0, 6), elsewhere)).isInstanceOf(Verdict.Throttled.class);
    assertThat(check(token(0, 7), elsewhere)).isInstanceOf(Verdict.Throttled.class);
    assertThat(check(token(1, 8), elsewhere)).isInstanceOf(Verdict.Accepted.class);
    assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Accepted.class);
    step(Duration.ofDays(1));
    assertThat(check(token(0, 6), source("203.0.113.9"))).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void sourceIsNotKeptOutByANeighbourThatGuesses() {
    assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Accepted.class);
    for (int i = 0; i < 50; i++) {
      authenticator.check(UUID.randomUUID(), "000000", home);
    }
    assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void allOfASlash64IsOneSource() {
    for (int i = 0; i < 10; i++) {
      check("000000x", source("2001:db8::" + i));
    }
    assertThat(check(token(0, 6), source("2001:db8:0:0:ffff::1")))
        .isInstanceOf(Verdict.Throttled.class);
    assertThat(check(token(0, 6), source("2001:db8:0:1::1"))).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void storeOutOfReachMakesTokensUnanswerable() throws Exception {
    Files.move(directory.resolve("entries"), directory.resolve("away"));
    assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Unavailable.class);
  }
}
