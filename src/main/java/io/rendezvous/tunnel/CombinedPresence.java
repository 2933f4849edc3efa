package io.rendezvous.tunnel;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** The sum of several presences, which one protocol each keeps. Any thread may call. */
final class CombinedPresence implements Presence {
  private final List<Presence> each;

  CombinedPresence(List<Presence> each) {
    this.each = each;
  }

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
  public Totals totals() {
    int online = (int) counts().values().stream().filter(Counts::isOnline).count();
    int parked = 0;
    int paired = 0;
    int waiting = 0;
    for (Presence one : each) {
      Totals totals = one.totals();
      parked += totals.parked();
      paired += totals.paired();
      waiting += totals.waiting();
    }
    return new Totals(online, parked, paired, waiting);
  }

  @Override
  public void revoke(UUID id) {
    each.forEach(one -> one.revoke(id));
  }
}
