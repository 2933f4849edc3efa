package io.rendezvous.link;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioner;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Set;

/**
 * Issues links on the broker's public host (protocol.md, 1.6). Any thread may call, but no I/O
 * thread: the key may have to be read first.
 */
public final class LinkIssuer {
  /** The time until a link expires if nobody says otherwise. */
  public static final Duration DEFAULT_LIFETIME = Duration.ofDays(1);

  private static final Set<String> ANY_ADDRESS = Set.of("0.0.0.0", "::", "0:0:0:0:0:0:0:0");

  private final LinkKeyStore keys;
  private final Provisioner provisioner;
  private final InstantSource clock;

  /** Creates an issuer. */
  public LinkIssuer(LinkKeyStore keys, Provisioner provisioner, InstantSource clock) {
    this.keys = keys;
    this.provisioner = provisioner;
    this.clock = clock;
  }

  /**
   * A link that was issued.
   *
   * @param expires when it becomes void, in whole seconds
   */
  public record Issued(String url, Instant expires) {
    /** Returns a text without the URL, which lets its reader reach the hidden server. */
    @Override
    public String toString() {
      return "Issued[expires=" + expires + "]";
    }
  }

  /**
   * Issues a link to the hidden server of an entry.
   *
   * @param path begins with exactly one slash
   * @param lifetime the time until the link expires
   * @throws IllegalArgumentException if the path or the lifetime is not allowed, or the broker does
   *     not know its public host name; the message is fit for the person who asked
   * @throws IOException if there is no key
   */
  public Issued issue(Entry entry, String path, Duration lifetime) throws IOException {
    if (ANY_ADDRESS.contains(provisioner.publicHost())) {
      throw new IllegalArgumentException(
          "the broker does not know its host name: set rendezvous.public-host");
    }
    Link link = Link.to(entry, path, lifetime, clock.instant());
    String url = keys.get().url(provisioner.url(), link);
    Instant expires = Instant.ofEpochMilli(link.expires()).truncatedTo(ChronoUnit.SECONDS);
    return new Issued(url, expires);
  }
}
