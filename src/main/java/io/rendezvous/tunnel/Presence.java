package io.rendezvous.tunnel;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Which hidden servers are connected, by whatever protocol. Any thread may ask. */
public interface Presence {
  /**
   * How many there are of one ID.
   *
   * @param parked tunnels
   * @param paired tunnels
   * @param waiting clients
   * @param registered whether it has said that it is there, without a tunnel for it
   */
  record Counts(int parked, int paired, int waiting, boolean registered) {
    /** Those of an ID that is not connected. */
    public static final Counts NONE = new Counts(0, 0, 0, false);

    /** Returns whether a client would find it, now or when a tunnel comes back. */
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

  /** Returns how many there are of an ID. */
  Counts counts(UUID id);

  /** Returns how many there are of each ID that is connected. */
  Map<UUID, Counts> counts();

  /** Ends all that an ID has, since its entry was deleted or its secret revoked. */
  void revoke(UUID id);

  /** Returns the sum of several. */
  static Presence all(List<Presence> several) {
    List<Presence> each = List.copyOf(several);
    return new Presence() {
      @Override
      public Counts counts(UUID id) {
        return each.stream().map(one -> one.counts(id)).reduce(Counts.NONE, Counts::and);
      }

      @Override
      public Map<UUID, Counts> counts() {
        Map<UUID, Counts> sum = new HashMap<>();
        each.forEach(one -> one.counts().forEach((id, of) -> sum.merge(id, of, Counts::and)));
        return sum;
      }

      @Override
      public void revoke(UUID id) {
        each.forEach(one -> one.revoke(id));
      }
    };
  }
}
