package io.rendezvous.entry;

import java.util.Collection;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/**
 * A label in two parts: a name, and for TAAS perhaps a port of its own, as in {@code door:2222}
 * (protocol.md, 3.4).
 *
 * @param name what stands before the colon
 * @param port the port; empty if there is none, or if the number is no port, as databases of older
 *     servers may have it
 */
public record Label(String name, OptionalInt port) {
  private static final Pattern PORT = Pattern.compile("[1-9][0-9]{0,4}");
  private static final int MAX_PORT = 65_535;

  /** Splits a label. */
  public static Label parse(String text) {
    int colon = text.indexOf(':');
    return colon < 0
        ? new Label(text, OptionalInt.empty())
        : new Label(text.substring(0, colon), port(text.substring(colon + 1)));
  }

  private static OptionalInt port(String text) {
    int port = PORT.matcher(text).matches() ? Integer.parseInt(text) : MAX_PORT + 1;
    return port <= MAX_PORT ? OptionalInt.of(port) : OptionalInt.empty();
  }

  /** Returns a label without its port. */
  public static String nameOf(String label) {
    return parse(label).name();
  }

  /**
   * Returns the label that is meant by a text: the label itself, or its name without the port. If
   * several labels have that name, the first in alphabetical order is meant.
   */
  public static Optional<String> find(Collection<String> labels, String text) {
    return labels.contains(text)
        ? Optional.of(text)
        : labels.stream().filter(label -> nameOf(label).equals(text)).sorted().findFirst();
  }
}
