package io.rendezvous.testing;

/**
 * How often a test repeats what has to go well every time. {@code scripts/test --full} repeats it
 * as often as the test says, every other run a twentieth of that.
 */
public final class Soak {
  private static final boolean FULL = Boolean.getBoolean("rendezvous.test.full");
  private static final int PART = 20;
  private static final int LEAST = 10;

  private Soak() {}

  /** Returns whether this is a full run. */
  public static boolean isFull() {
    return FULL;
  }

  /** Returns the number of repetitions in this run. */
  public static int repetitions(int inFullRuns) {
    return FULL ? inFullRuns : Math.max(LEAST, inFullRuns / PART);
  }
}
