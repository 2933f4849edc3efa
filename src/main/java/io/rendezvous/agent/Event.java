package io.rendezvous.agent;

import java.time.Instant;

/**
 * Something that happened to a hidden server.
 *
 * @param time when
 * @param kind what, for programs
 * @param text what, for people
 */
public record Event(Instant time, Kind kind, String text) {

  /** Creates one. What a terminal would obey in the text, rather than show, is blanked. */
  public Event {
    text = printable(text);
  }

  /** Returns a text, or a name, from elsewhere without what a terminal would obey. */
  public static String printable(String text) {
    return text.replaceAll("[\\p{C}\\p{Zl}\\p{Zp}]", " ");
  }

  /** What happened, for programs. */
  public enum Kind {
    /** A tunnel is parked. */
    PARKED,
    /** A client has taken a tunnel. */
    TAKEN,
    /** A tunnel that a client had taken is over. */
    ENDED,
    /** The broker closed a tunnel, unused. */
    CLOSED,
    /** This machine has slept or moved, and parks fresh tunnels. */
    RENEWED,
    /** The broker cannot be reached, or a parked tunnel broke. */
    LOST,
    /** The broker was reached, and did not take a tunnel. */
    REFUSED,
    /** The local server cannot be reached, or broke. */
    LOCAL_FAILED,
    /** A provisioning file cannot be used. */
    ENTRY_UNUSABLE;

    /** Returns whether somebody may have to look after it. */
    public boolean isTrouble() {
      return this == LOST || this == REFUSED || this == LOCAL_FAILED || this == ENTRY_UNUSABLE;
    }
  }
}
