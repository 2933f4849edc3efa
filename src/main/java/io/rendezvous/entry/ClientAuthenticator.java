package io.rendezvous.entry;

import io.rendezvous.net.Source;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Authenticates clients by the password of the entry that they name (protocol.md, 1.8). Wrong
 * passwords are counted as wrong tokens are, in tables of their own.
 *
 * <p>Clients of entries without a password must not cost a look into the store. So the UUIDs of the
 * others are remembered: {@link #mayBeProtected} tells at once, from what was seen when a tunnel
 * was parked, from reports of the store, and from the last listing of all entries. A UUID may be
 * remembered for longer than it has a password, but not be missed for more than two seconds while
 * its hidden server is connected.
 *
 * <p>Any thread may call, except I/O threads, which may call only methods that say so.
 */
public final class ClientAuthenticator {
  private static final Logger LOG = LoggerFactory.getLogger(ClientAuthenticator.class);

  /** A password counts as a token of this many digits: it has as many characters at least. */
  private static final int DIGITS = ClientPassword.MIN_LENGTH;

  /** The result of looking at a client's request. */
  public sealed interface Verdict {
    /** The entry has no password, or there is no entry. */
    record Unprotected() implements Verdict {}

    /** The password is right: it is this one. */
    record Accepted(ClientPassword password) implements Verdict {}

    /** The entry has a password, and the client sent none or a wrong one. */
    record Refused() implements Verdict {}

    /**
     * The password was not compared, because there were too many failures.
     *
     * @param delay the time after which a password will be compared again
     */
    record Throttled(Duration delay) implements Verdict {}

    /**
     * The password was not compared yet, because another one of the same source was wrong a moment
     * ago. The caller has to check it again.
     *
     * @param delay the time after which to do so
     */
    record Deferred(Duration delay) implements Verdict {}

    /** The password was not compared, because the store could not be reached. */
    record Unavailable() implements Verdict {}
  }

  private final EntryStore store;
  private final EntryIndex index;
  private final String realm;
  private final InstantSource clock;
  private final StoreWarning unavailable;

  /** Values differ from each other, so that a mark that was set again is not removed. */
  private final Map<UUID, Object> marks = new ConcurrentHashMap<>();

  // Guarded by this.
  private final GuessGuard guard;

  /**
   * Creates an authenticator.
   *
   * @param realm the realm of the broker's challenges; passwords that were set for another are void
   * @param known the sources that have sent the right password; nothing else uses it
   * @param perSource wrong passwords of a source for one UUID within a minute, after which it has
   *     to wait
   * @param perUuid a hundredth of the wrong passwords for a UUID within a day, after which sources
   *     that are not known have to wait
   */
  public ClientAuthenticator(
      EntryStore store,
      EntryIndex index,
      String realm,
      InstantSource clock,
      KnownSources known,
      int perSource,
      int perUuid) {
    this.store = store;
    this.index = index;
    this.realm = realm;
    this.clock = clock;
    this.unavailable = new StoreWarning(LOG, "Passwords of clients cannot be checked", clock);
    this.guard = new GuessGuard(known, perSource, perUuid);
  }

  /** Changes the budgets for wrong passwords; the parameters are those of the constructor. */
  public synchronized void setBudgets(int perSource, int perUuid) {
    guard.setBudgets(perSource, perUuid);
  }

  /** Remembers that the entry of a UUID has a password, or may have one. I/O threads may call. */
  public void mark(UUID id) {
    marks.put(id, new Object());
  }

  /** Remembers an entry that has a password. I/O threads may call. */
  public void seen(Entry entry) {
    if (entry.hasPassword() && !marks.containsKey(entry.id())) {
      mark(entry.id());
    }
  }

  /**
   * Returns false if clients of a UUID need no password, as far as is known. If it returns true,
   * the entry has to be asked. I/O threads may call.
   */
  public boolean mayBeProtected(UUID id) {
    return marks.containsKey(id) || index.known(id).map(Entry::hasPassword).orElse(false);
  }

  /**
   * Compares the password that a source has sent for a UUID.
   *
   * @param isRight compares it; empty if the client has sent none, which is no failure
   * @param wasDeferred whether the verdict was {@link Verdict.Deferred}, and the delay is over
   */
  public Verdict check(
      UUID id, Source source, Optional<Predicate<ClientPassword>> isRight, boolean wasDeferred) {
    if (isRight.isPresent() && !wasDeferred) {
      Duration delay = strangersDelay(id, source);
      if (!delay.isZero()) { // the store is not asked
        return new Verdict.Throttled(delay);
      }
    }
    Object mark = marks.get(id);
    Optional<ClientPassword> password = Optional.empty();
    boolean isFound = false;
    try {
      password = store.find(id).flatMap(Entry::password);
      isFound = true;
    } catch (IOException e) {
      unavailable.log(e);
    } finally {
      if (wasDeferred && password.isEmpty()) { // a turn that is kept would keep the source out
        giveTurn(id, source);
      }
    }
    if (!isFound) {
      return new Verdict.Unavailable();
    }
    if (password.isEmpty()) {
      if (mark != null) {
        marks.remove(id, mark); // unless the password was set again meanwhile
      }
      return new Verdict.Unprotected();
    }
    return isRight.isEmpty()
        ? new Verdict.Refused()
        : judge(id, source, password.get(), isRight.get(), wasDeferred);
  }

  private synchronized Duration strangersDelay(UUID id, Source source) {
    return guard.strangersDelay(id, source, DIGITS, clock.instant());
  }

  private synchronized void giveTurn(UUID id, Source source) {
    guard.giveTurn(id, source);
  }

  /**
   * Judges a password. One at a time: of passwords that arrive together, those after a wrong one
   * find it counted.
   */
  private synchronized Verdict judge(
      UUID id,
      Source source,
      ClientPassword password,
      Predicate<ClientPassword> isRight,
      boolean wasDeferred) {
    Instant now = clock.instant();
    GuessGuard.Turn turn = guard.turn(id, source, DIGITS, wasDeferred, now);
    if (turn instanceof GuessGuard.Turn.Never never) {
      return new Verdict.Throttled(never.delay());
    } else if (turn instanceof GuessGuard.Turn.Later later) {
      return new Verdict.Deferred(later.delay());
    }
    if (isRight.test(password) && password.realm().equals(realm)) {
      guard.succeeded(id, source);
      return new Verdict.Accepted(password);
    }
    guard.failed(id, source, true, now);
    return new Verdict.Refused();
  }
}
