package io.rendezvous.config;

import java.util.List;

/** Settings that cannot be worked with. */
public final class SettingsException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<String> mistakes;

  SettingsException(List<String> mistakes) {
    super(String.join("\n", mistakes));
    this.mistakes = List.copyOf(mistakes);
  }

  /** Returns what is wrong, a line each. */
  public List<String> mistakes() {
    return mistakes;
  }
}
