package io.rendezvous.config;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Some ports in a row.
 *
 * @param first the lowest
 * @param last the highest, no lower than the first
 */
public record PortRange(int first, int last) {
  private static final Pattern RANGE = Pattern.compile("(\\d{1,5})-(\\d{1,5})");
  private static final int MAX = 65_535;

  /** Returns the range that a text such as {@code 20000-29999} is, if it is one. */
  public static Optional<PortRange> parse(String text) {
    Matcher matcher = RANGE.matcher(text);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    int first = Integer.parseInt(matcher.group(1));
    int last = Integer.parseInt(matcher.group(2));
    return first >= 1 && first <= last && last <= MAX
        ? Optional.of(new PortRange(first, last))
        : Optional.empty();
  }
}
