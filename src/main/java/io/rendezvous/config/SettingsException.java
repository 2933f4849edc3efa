package io.rendezvous.config;

import java.util.List;

/** Reports every mistake that was found in the settings. */
public final class SettingsException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<String> mistakes;

  /** Reports these mistakes, one line each. */
  public SettingsException(List<String> mistakes) {
    super(String.join("\n", mistakes));
    this.mistakes = List.copyOf(mistakes);
  }

  /** Returns the mistakes, one line each. */
  public List<String> mistakes() {
    return mistakes;
  }
}
