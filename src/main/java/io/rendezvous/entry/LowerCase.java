package io.rendezvous.entry;

/**
 * Puts ASCII letters into lower case, and leaves all other characters alone. {@link
 * String#toLowerCase} makes a {@code k} of the Kelvin sign, so a text that is no label would become
 * one.
 */
public final class LowerCase {
  private LowerCase() {}

  /** Returns a text with its ASCII letters in lower case. */
  public static String of(String text) {
    StringBuilder lower = new StringBuilder(text);
    for (int i = 0; i < lower.length(); i++) {
      char c = lower.charAt(i);
      if (c >= 'A' && c <= 'Z') {
        lower.setCharAt(i, (char) (c + 'a' - 'A'));
      }
    }
    return lower.toString();
  }
}
