package io.rendezvous.config;

import java.util.Locale;
import java.util.Optional;

/** How the broker relays a client that is paired with a tunnel (protocol.md, 1.7). */
public enum RelayMode {
  /** It looks at the first request head only, and moves octets from then on. */
  RAW,
  /** It reads each request head, and lets pass what is for the same hidden server. */
  GUARDED;

  /** Returns the mode with a name, as settings and entries have it, if there is one. */
  public static Optional<RelayMode> named(String name) {
    for (RelayMode mode : values()) {
      if (mode.toString().equals(name)) {
        return Optional.of(mode);
      }
    }
    return Optional.empty();
  }

  /** Returns the name that settings and entries have. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
