package io.rendezvous.tunnel;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * The totals of one registry. Each pool adds its own changes, so the totals are read without a walk
 * over all pools. Any thread may call.
 */
final class TotalCounters {
  private final AtomicInteger online = new AtomicInteger();
  private final AtomicInteger parked = new AtomicInteger();
  private final AtomicInteger paired = new AtomicInteger();
  private final AtomicInteger waiting = new AtomicInteger();

  /** Adds the difference between two counts of one ID. */
  void change(Presence.Counts before, Presence.Counts after) {
    parked.addAndGet(after.parked() - before.parked());
    paired.addAndGet(after.paired() - before.paired());
    waiting.addAndGet(after.waiting() - before.waiting());
    if (after.isOnline() != before.isOnline()) {
      online.addAndGet(after.isOnline() ? 1 : -1);
    }
  }

  int parked() {
    return parked.get();
  }

  /**
   * Returns the totals. While pools change, the four numbers may be of slightly different times.
   */
  Presence.Totals totals() {
    return new Presence.Totals(online.get(), parked.get(), paired.get(), waiting.get());
  }
}
