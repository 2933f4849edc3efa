package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.ClientAuthenticator.Verdict;
import io.rendezvous.net.Source;
import io.rendezvous.testing.HookedStore;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which clients pass, under a clock that stands still until it is stepped (protocol.md, 1.8). */
class ClientAuthenticatorTest {
  private static final String PASSWORD = "open sesame";

  private Instant now = Instant.parse("2026-01-31T12:00:00Z");
  private final Source home = source(1);
  private final Source elsewhere = source(2);
  private final HookedStore store = new HookedStore();
  private final ClientAuthenticator authenticator =
      new ClientAuthenticator(
          store, new EntryIndex(store), "r", () -> now, KnownSources.inMemory(), 10, 100);
  private final Entry entry =
      Entry.create(UUID.randomUUID(), List.of(), 8, Instant.EPOCH, List.of());

  private static Source source(int number) {
    try {
      return Source.of(
          InetAddress.getByAddress(new byte[] {10, 0, (byte) (number >> 8), (byte) number}));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @BeforeEach
  void create() throws Exception {
    store.create(entry);
    setPassword("r");
    authenticator.mark(entry.id());
  }

  private void setPassword(String realm) throws IOException {
    ClientPassword password = ClientPassword.of(entry.id(), realm, PASSWORD);
    store.change(entry.id(), old -> old.withPassword(Optional.of(password)));
  }

  private void removePassword() throws IOException {
    store.change(entry.id(), old -> old.withPassword(Optional.empty()));
  }

  private Verdict check(String password, Source source) {
    return authenticator.check(
        entry.id(), source, Optional.of(stored -> stored.matches(password)), false);
  }

  private Verdict ask(UUID id) {
    return authenticator.check(id, home, Optional.empty(), false);
  }

  private void fail(int times, Source source) {
    for (int i = 0; i < times; i++) {
      assertThat(check("wrong", source)).isInstanceOf(Verdict.Refused.class);
    }
  }

  @Test
  void rightPasswordPassesAndAWrongOneDoesNot() {
    assertThat(check("open sesame!", home)).isInstanceOf(Verdict.Refused.class);
    assertThat(check(PASSWORD, home)).isInstanceOf(Verdict.Accepted.class);
    assertThat(ask(entry.id())).isInstanceOf(Verdict.Refused.class);
  }

  @Test
  void passwordOfAnotherRealmIsVoid() throws Exception {
    setPassword("another");
    assertThat(check(PASSWORD, home)).isInstanceOf(Verdict.Refused.class);
  }

  @Test
  void failuresBlockASourceWhateverItSendsThen() {
    fail(10, home);
    assertThat(check(PASSWORD, home)).isEqualTo(new Verdict.Throttled(Duration.ofMinutes(1)));
    assertThat(check(PASSWORD, elsewhere)).isInstanceOf(Verdict.Accepted.class);
    now = now.plusSeconds(61);
    assertThat(check(PASSWORD, home)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void requestsWithoutAPasswordAreNoFailures() {
    for (int i = 0; i < 100; i++) {
      assertThat(ask(entry.id())).isInstanceOf(Verdict.Refused.class);
    }
    assertThat(check(PASSWORD, home)).isInstanceOf(Verdict.Accepted.class);
  }

  /** The budget of a UUID is that for long tokens: a hundred wrong passwords lock nobody out. */
  @Test
  void manySourcesShareTheBudgetOfTheUuid() {
    for (int i = 0; i < 1000; i++) {
      fail(9, source(1000 + i));
    }
    assertThat(check(PASSWORD, home)).isInstanceOf(Verdict.Accepted.class);
    for (int i = 0; i < 111; i++) {
      fail(9, source(3000 + i));
    }
    fail(1, source(9999));
    assertThat(check(PASSWORD, elsewhere)).isInstanceOf(Verdict.Throttled.class);
    assertThat(check(PASSWORD, home)).isInstanceOf(Verdict.Accepted.class);
  }

  /** Whoever shares the address of somebody who knows the password guesses slowly. */
  @Test
  void knownSourceKeepsAPaceAfterAFailure() {
    assertThat(check(PASSWORD, home)).isInstanceOf(Verdict.Accepted.class);
    fail(1, home);
    assertThat(check(PASSWORD, home)).isEqualTo(new Verdict.Deferred(Duration.ofMillis(200)));
    assertThat(check(PASSWORD, home)).isEqualTo(new Verdict.Throttled(Duration.ofSeconds(1)));
    now = now.plusMillis(200);
    assertThat(
            authenticator.check(
                entry.id(), home, Optional.of(stored -> stored.matches(PASSWORD)), true))
        .isInstanceOf(Verdict.Accepted.class);
    assertThat(check(PASSWORD, home)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void turnIsGivenBackWhenTheStoreIsAway() throws Exception {
    check(PASSWORD, home);
    fail(1, home);
    assertThat(check(PASSWORD, home)).isInstanceOf(Verdict.Deferred.class);
    now = now.plusSeconds(1);
    store.hook(
        id -> {
          throw new IOException("away");
        });
    assertThat(authenticator.check(entry.id(), home, Optional.of(stored -> true), true))
        .isInstanceOf(Verdict.Unavailable.class);
    assertThat(ask(entry.id())).isInstanceOf(Verdict.Unavailable.class);
    store.hook(id -> {});
    assertThat(check(PASSWORD, home)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void blockedSourceCostsNoLookIntoTheStore() {
    fail(10, home);
    AtomicInteger looks = new AtomicInteger();
    store.hook(id -> looks.incrementAndGet());
    assertThat(check(PASSWORD, home)).isInstanceOf(Verdict.Throttled.class);
    assertThat(looks).hasValue(0);
  }

  // Which UUIDs have a password.

  @Test
  void entryWithoutAPasswordIsForgotten() throws Exception {
    removePassword();
    assertThat(authenticator.mayBeProtected(entry.id())).isTrue();
    assertThat(ask(entry.id())).isInstanceOf(Verdict.Unprotected.class);
    assertThat(authenticator.mayBeProtected(entry.id())).isFalse();
  }

  @Test
  void passwordThatIsSetDuringALookIsNotForgotten() throws Exception {
    removePassword();
    store.hook(id -> authenticator.mark(id));
    assertThat(ask(entry.id())).isInstanceOf(Verdict.Unprotected.class);
    assertThat(authenticator.mayBeProtected(entry.id())).isTrue();
  }

  @Test
  void entryIsRememberedWhenItIsSeen() throws Exception {
    UUID id = UUID.randomUUID();
    Entry open = Entry.create(id, List.of(), 8, now, List.of());
    authenticator.seen(open);
    assertThat(authenticator.mayBeProtected(id)).isFalse();
    authenticator.seen(open.withPassword(Optional.of(ClientPassword.of(id, "r", PASSWORD))));
    assertThat(authenticator.mayBeProtected(id)).isTrue();
    assertThat(ask(id)).isInstanceOf(Verdict.Unprotected.class); // it is not in the store
  }

  @Test
  void entryOfTheLastListingIsKnown() throws Exception {
    EntryIndex index = new EntryIndex(store);
    ClientAuthenticator fresh =
        new ClientAuthenticator(store, index, "r", () -> now, KnownSources.inMemory(), 10, 100);
    assertThat(fresh.mayBeProtected(entry.id())).isFalse();
    index.all();
    assertThat(fresh.mayBeProtected(entry.id())).isTrue();
  }
}
