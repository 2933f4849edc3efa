package io.rendezvous.tunnel;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;

/**
 * Tells which hidden servers are connected, by one protocol or by all of them. Any thread may call.
 * No method delays the threads that park and take tunnels.
 */
public interface Presence {
  /**
   * The counts of one ID.
   *
   * @param parked tunnels that are parked
   * @param paired tunnels that are paired with a client
   * @param waiting clients that wait for a tunnel
   * @param registered whether the hidden server has registered, with or without a tunnel
   */
  record Counts(int parked, int paired, int waiting, boolean registered) {
    /** The counts of an ID that is not connected. */
    public static final Counts NONE = new Counts(0, 0, 0, false);

    /** Shared by the many IDs that only have a few tunnels parked. */
    private static final Counts[] PARKED =
        IntStream.rangeClosed(0, 64)
            .mapToObj(parked -> new Counts(parked, 0, 0, false))
            .toArray(Counts[]::new);

    static Counts of(int parked, int paired, int waiting) {
      return paired == 0 && waiting == 0 && parked < PARKED.length
          ? PARKED[parked]
          : new Counts(parked, paired, waiting, false);
    }

    /** Returns whether the hidden server is registered or has a tunnel. */
    public boolean isOnline() {
      return registered || parked + paired > 0;
    }

    Counts and(Counts other) {
      return new Counts(
          parked + other.parked,
          paired + other.paired,
          waiting + other.waiting,
          registered || other.registered);
    }
  }

  /**
   * The counts of all IDs together.
   *
   * @param online IDs that are registered or have a tunnel
   * @param parked tunnels that are parked
   * @param paired tunnels that are paired with a client
   * @param waiting clients that wait for a tunnel
   */
  record Totals(int online, int parked, int paired, int waiting) {}

  /** Returns the counts of an ID, zeros if it is unknown. */
  Counts counts(UUID id);

  /** Returns the counts of each ID that is or lately was connected. */
  Map<UUID, Counts> counts();

  /** Returns the counts of all IDs together. */
  Totals totals();

  /** Ends everything that an ID has, because its entry was deleted or its secret was revoked. */
  void revoke(UUID id);

  /** Returns the sum of several. An ID that is connected by two protocols counts once. */
  static Presence all(List<Presence> several) {
    List<Presence> each = List.copyOf(several);
    return each.size() == 1 ? each.get(0) : new CombinedPresence(each);
  }
}
