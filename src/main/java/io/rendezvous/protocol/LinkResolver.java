package io.rendezvous.protocol;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.StoreWarning;
import io.rendezvous.link.Link;
import io.rendezvous.link.LinkKey;
import io.rendezvous.link.LinkKey.Purpose;
import io.rendezvous.link.LinkKeyStore;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds hidden servers by links and cookies (protocol.md, 1.6). Any thread may call, except I/O
 * threads, which may call only methods that say so.
 */
public final class LinkResolver {
  private static final Logger LOG = LoggerFactory.getLogger(LinkResolver.class);

  /** The outcome of looking at a token. */
  public sealed interface Found {
    /** The token is valid, and leads to the hidden server of an entry. */
    record Valid(Link link, Entry entry) implements Found {}

    /** The token has expired, was revoked, or is not one of the broker's. */
    record Invalid() implements Found {}

    /** The key of links or the store of entries cannot be reached. */
    record Unavailable() implements Found {}
  }

  private final LinkKeyStore keys;
  private final EntryStore store;
  private final InstantSource clock;
  private final StoreWarning unavailable;

  /** Creates a resolver. */
  public LinkResolver(LinkKeyStore keys, EntryStore store, InstantSource clock) {
    this.keys = keys;
    this.store = store;
    this.clock = clock;
    this.unavailable = new StoreWarning(LOG, "Links and cookies cannot be checked", clock);
  }

  /** Looks at the token of a link. May block. */
  public Found link(String token) {
    return find(Purpose.LINK, token);
  }

  /** Looks at the value of the cookie. May block. */
  public Found cookie(String token) {
    Found found = find(Purpose.COOKIE, token);
    return found instanceof Found.Valid valid
            && !valid.link().isValidCookie(valid.entry(), clock.instant())
        ? new Found.Invalid()
        : found;
  }

  private Found find(Purpose purpose, String token) {
    try {
      Instant now = clock.instant();
      Optional<Link> link = keys.get().open(purpose, token).filter(found -> !found.isExpired(now));
      if (link.isEmpty()) { // the store is not asked
        return new Found.Invalid();
      }
      return store
          .find(link.get().id())
          .filter(entry -> link.get().isValid(entry, now))
          .<Found>map(entry -> new Found.Valid(link.get(), entry))
          .orElseGet(Found.Invalid::new);
    } catch (IOException e) {
      unavailable.log(e);
      return new Found.Unavailable();
    } catch (RuntimeException e) { // a bug must not leave the client without an answer
      LOG.error("A link could not be checked", e);
      return new Found.Unavailable();
    }
  }

  /** Returns the value of the cookie that a valid link sets. I/O threads may call. */
  public String newCookie(Found.Valid valid) {
    LinkKey key = keys.known().orElseThrow(); // a link was opened with it
    return key.seal(Purpose.COOKIE, valid.link().forCookie(valid.entry()));
  }

  /** Returns how long a valid link will be valid. I/O threads may call. */
  public Duration left(Found.Valid valid) {
    return valid.link().left(clock.instant());
  }
}
