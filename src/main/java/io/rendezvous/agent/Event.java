package io.rendezvous.agent;

import java.time.Instant;

/**
 * Something that happened to a hidden server.
 *
 * @param time when it happened
 * @param kind what happened, for programs
 * @param text what happened, for people: one line of printable characters
 */
public record Event(Instant time, Kind kind, String text) {

  /** Creates an event. Characters that could control a terminal become blanks in its text. */
  public Event {
    text = printable(text);
  }

  /** Returns a text with blanks in place of characters that could control a terminal. */
  public static String printable(String text) {
    return text.replaceAll("[\\p{C}\\p{Zl}\\p{Zp}]", " ");
  }

  /** Kinds of events. */
  public enum Kind {
    /** A tunnel was parked. */
    PARKED,
    /** The first tunnel was parked, so that clients can reach the hidden server. */
    REACHABLE,
    /** A client has taken a tunnel. */
    TAKEN,
    /** A tunnel that a client had taken has ended. */
    ENDED,
    /** The broker closed a parked tunnel that no client had taken. */
    CLOSED,
    /** This machine was asleep or has changed its network, so fresh tunnels are parked. */
    RENEWED,
    /** The broker cannot be reached, or a parked tunnel broke. */
    LOST,
    /** The broker was reached, and refused to park a tunnel. */
    REFUSED,
    /** The local server cannot be reached, or broke off. */
    LOCAL_FAILED,
    /** The local server can be reached again. Only a watched one is reported. */
    LOCAL_REACHABLE,
    /**
     * A provisioning file cannot be used, or there is none. Only the agent command reports this.
     */
    ENTRY_UNUSABLE;

    /** Returns whether somebody may have to act. */
    public boolean isTrouble() {
      return this == LOST || this == REFUSED || this == LOCAL_FAILED || this == ENTRY_UNUSABLE;
    }
  }
}
