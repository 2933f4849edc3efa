package io.rendezvous.config;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A range of consecutive ports.
 *
 * @param first the lowest port
 * @param last the highest port, at least {@code first}
 */
public record PortRange(int first, int last) {
  private static final Pattern RANGE = Pattern.compile("(\\d{1,5})-(\\d{1,5})");
  private static final int MAX_PORT = 65_535;

  /** Parses a range such as {@code 20000-29999}. Returns empty if the text is not a range. */
  public static Optional<PortRange> parse(String text) {
    Matcher matcher = RANGE.matcher(text);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    int first = Integer.parseInt(matcher.group(1));
    int last = Integer.parseInt(matcher.group(2));
    return first >= 1 && first <= last && last <= MAX_PORT
        ? Optional.of(new PortRange(first, last))
        : Optional.empty();
  }
}
