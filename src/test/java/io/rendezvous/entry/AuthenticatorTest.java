package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Authenticator.Verdict;
import io.rendezvous.net.Source;
import io.rendezvous.testing.HookedStore;
import io.rendezvous.testing.Octets;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Who may park a tunnel, under a clock that stands still until it is stepped (protocol.md, 1.4).
 */
class AuthenticatorTest {
  private Instant now = Instant.parse("2026-01-31T12:00:00Z");
  private final Source home = source("192.0.2.1");
  private final Source elsewhere = source("192.0.2.2");
  private final HookedStore store = new HookedStore();
  @TempDir private Path directory;
  private Authenticator authenticator;
  private Entry entry;

  @BeforeEach
  void create() {
    authenticator = newAuthenticator();
    addEntry(6);
  }

  private Authenticator newAuthenticator() {
    return new Authenticator(
        store,
        () -> now,
        KnownSources.in(directory.resolve("known.sources"), Runnable::run),
        10,
        100);
  }

  private void addEntry(int digits) {
    entry = Entry.create(UUID.randomUUID(), List.of(), digits, now, List.of());
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
  void tokenHasAtLeastTheDigitsThatTheEntryAsksFor() {
    addEntry(8);
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
  void fewerThanTenFailuresAMinuteNeverBlock() {
    for (int minute = 0; minute < 5; minute++) {
      for (int i = 0; i < 9; i++) {
        assertThat(check("000000x", elsewhere)).isInstanceOf(Verdict.Refused.class);
      }
      step(Duration.ofMinutes(1));
    }
    assertThat(check(token(0, 6), elsewhere)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void unknownUuidIsCountedLikeAnyOther() {
    UUID unknown = UUID.randomUUID();
    for (int i = 0; i < 10; i++) {
      assertThat(authenticator.check(unknown, "123456", elsewhere))
          .isInstanceOf(Verdict.Refused.class);
    }
    assertThat(authenticator.check(unknown, "123456", elsewhere))
        .isEqualTo(new Verdict.Throttled(Duration.ofMinutes(1)));
    assertThat(check(token(0, 6), elsewhere)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void sourceMayFailTenTimesAsOftenOverAllUuids() {
    for (int i = 0; i < 99; i++) {
      assertThat(authenticator.check(UUID.randomUUID(), "123456", elsewhere))
          .isInstanceOf(Verdict.Refused.class);
    }
    assertThat(authenticator.check(UUID.randomUUID(), "123456", elsewhere))
        .isInstanceOf(Verdict.Refused.class);
    assertThat(check(token(0, 6), elsewhere))
        .isEqualTo(new Verdict.Throttled(Duration.ofMinutes(1)));
  }

  @Test
  void longTokensHaveABudgetToo() {
    addEntry(8);
    for (int i = 0; i < 10_000; i++) {
      Source stranger = source("10." + i / 62_500 + "." + i / 250 % 250 + "." + i % 250);
      assertThat(check("0000000x", stranger)).isInstanceOf(Verdict.Refused.class);
    }
    assertThat(check(token(0, 8), elsewhere)).isEqualTo(new Verdict.Throttled(Duration.ofDays(1)));
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
    for (int i = 0; i < 150; i++) {
      authenticator.check(UUID.randomUUID(), "000000", home);
    }
    assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void deviceWithAWrongSecretDoesNotLockItsNeighboursOut() {
    UUID device = UUID.randomUUID();
    for (int i = 0; i < 20; i++) {
      authenticator.check(device, "000000", home);
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
  void unreachableStoreIsNoFailureOfTheSource() {
    store.hook(
        id -> {
          throw new IOException("away");
        });
    for (int i = 0; i < 20; i++) {
      assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Unavailable.class);
    }
    store.hook(id -> {});
    assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void acceptedTokenComesWithItsEntry() {
    assertThat(check(token(0, 6), home)).isEqualTo(new Verdict.Accepted(entry));
  }

  @Test
  void earlierSecretIsAcceptedUntilItExpires() {
    String old = token(0, 6);
    Entry rotated = entry.rotated(now, Duration.ofSeconds(20));
    store.create(rotated);
    assertThat(check(old, home)).isEqualTo(new Verdict.Accepted(rotated));
    step(Duration.ofSeconds(20));
    assertThat(check(old, home)).isInstanceOf(Verdict.Refused.class);
  }

  @Test
  void failuresOfAKnownSourceBlockNobody() {
    check(token(0, 6), home);
    for (int i = 0; i < 150; i++) {
      assertThat(check("000000x", home)).isInstanceOf(Verdict.Refused.class);
      step(Duration.ofMillis(200));
    }
    assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Accepted.class);
    assertThat(check(token(1, 6), elsewhere)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void afterAFailureTheNextTokenOfAKnownSourceWaitsAndOthersAreSentAway() {
    check(token(0, 6), home);
    assertThat(check("000000x", home)).isInstanceOf(Verdict.Refused.class);
    step(Duration.ofMillis(50));
    assertThat(check(token(0, 6), home)).isEqualTo(new Verdict.Deferred(Duration.ofMillis(150)));
    Verdict busy = new Verdict.Throttled(Duration.ofSeconds(1));
    assertThat(check(token(0, 6), home)).isEqualTo(busy);
    step(Duration.ofMillis(151));
    assertThat(check(token(0, 6), home)).as("while one still waits").isEqualTo(busy);
    assertThat(authenticator.checkDeferred(entry.id(), token(0, 6), home))
        .isInstanceOf(Verdict.Accepted.class);
    assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void tokenThatWaitedAndIsWrongMakesTheNextOneWait() {
    check(token(0, 6), home);
    check("000000x", home);
    assertThat(check("000000x", home)).isInstanceOf(Verdict.Deferred.class);
    step(Duration.ofMillis(200));
    assertThat(authenticator.checkDeferred(entry.id(), "000000x", home))
        .isInstanceOf(Verdict.Refused.class);
    assertThat(check(token(0, 6), home)).isEqualTo(new Verdict.Deferred(Duration.ofMillis(200)));
  }

  @Test
  void noTokenSlipsInWhileTheStoreIsAskedAboutOneThatWaited() {
    check(token(0, 6), home);
    check("000000x", home);
    check("000000x", home);
    step(Duration.ofMillis(200));
    List<Verdict> beside = new ArrayList<>();
    store.hook(
        id -> {
          store.hook(other -> {});
          beside.add(check("000000x", home));
        });
    assertThat(authenticator.checkDeferred(entry.id(), "000000x", home))
        .isInstanceOf(Verdict.Refused.class);
    assertThat(beside).containsExactly(new Verdict.Throttled(Duration.ofSeconds(1)));
  }

  @Test
  void failureOfTheStoreKeepsNoTokenWaiting() {
    check(token(0, 6), home);
    for (Exception failure : List.of(new IOException("away"), new IllegalStateException("bug"))) {
      check("000000x", home);
      assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Deferred.class);
      step(Duration.ofMillis(200));
      store.hook(
          id -> {
            if (failure instanceof IOException away) {
              throw away;
            }
            throw (RuntimeException) failure;
          });
      try {
        authenticator.checkDeferred(entry.id(), token(0, 6), home);
      } catch (IllegalStateException e) {
        assertThat(e).isSameAs(failure);
      }
      store.hook(id -> {});
      assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Accepted.class);
    }
  }

  @Test
  void tokenWaitsNoLongerIfTheClockIsSetBack() {
    check(token(0, 6), home);
    check("000000x", home);
    step(Duration.ofHours(-1));
    assertThat(check("000000x", home)).isEqualTo(new Verdict.Deferred(Duration.ofMillis(200)));
  }

  @Test
  void tokensThatArriveTogetherDoNotOutrunTheCount() throws Exception {
    CountDownLatch all = new CountDownLatch(20);
    store.hook(
        id -> { // all of them pass the first look at the count
          all.countDown();
          try {
            assertThat(all.await(60, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    List<CompletableFuture<Verdict>> verdicts = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      verdicts.add(Octets.beside(() -> check("000000x", elsewhere)));
    }
    int refused = 0;
    for (CompletableFuture<Verdict> verdict : verdicts) {
      refused += verdict.get(60, TimeUnit.SECONDS) instanceof Verdict.Refused ? 1 : 0;
    }
    assertThat(refused).isEqualTo(10);
  }

  @Test
  void knownSourcesOutliveTheProcess() {
    check(token(0, 6), home);
    for (int i = 0; i < 100; i++) {
      check("000000x", source("198.51.100." + (i + 1)));
    }
    authenticator = newAuthenticator(); // nothing was closed: the process may have been killed
    for (int i = 0; i < 100; i++) {
      check("000000x", source("198.51.100." + (i + 1)));
    }
    assertThat(check(token(0, 6), elsewhere)).isInstanceOf(Verdict.Throttled.class);
    assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void sourceIsKnownForTheUuidsThatHaveAuthenticatedFromIt() {
    UUID known = entry.id();
    check(token(0, 6), home);
    addEntry(6);
    for (int i = 0; i < 10; i++) {
      assertThat(check("000000x", home)).isInstanceOf(Verdict.Refused.class);
    }
    assertThat(check(token(0, 6), home)).isInstanceOf(Verdict.Throttled.class);
    assertThat(authenticator.check(known, "000000x", home)).isInstanceOf(Verdict.Refused.class);
  }

  @Test
  void replayMakesNoSourceKnown() {
    check(token(0, 6), home);
    check(token(0, 6), elsewhere);
    for (int i = 0; i < 10; i++) {
      check("000000x", elsewhere);
    }
    assertThat(check(token(0, 6), elsewhere)).isInstanceOf(Verdict.Throttled.class);
  }

  @Test
  void longerOfTwoDelaysCounts() {
    for (int i = 0; i < 100; i++) {
      check("000000x", source("198.51.100." + (i + 1)));
    }
    Duration day = Duration.ofDays(1);
    assertThat(check("000000", elsewhere)).isEqualTo(new Verdict.Throttled(day));
    for (int i = 0; i < 100; i++) {
      authenticator.check(UUID.randomUUID(), "000000", elsewhere);
    }
    assertThat(check("000000", elsewhere)).isEqualTo(new Verdict.Throttled(day));
    assertThat(check("00000000", elsewhere))
        .isEqualTo(new Verdict.Throttled(Duration.ofMinutes(1)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0", "00000000000", "\u0660\u0661\u0662\u0663\u0664\u0665", "-00001"})
  void malformedTokenIsRefused(String token) {
    assertThat(check(token, home)).isInstanceOf(Verdict.Refused.class);
  }
}
