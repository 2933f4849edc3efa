package io.rendezvous.net;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The relays that are going on, looked at from time to time. Any thread may call. */
public final class Relays {
  private final Duration linger;
  private final Duration stall;
  private final Set<Relay> going = ConcurrentHashMap.newKeySet();

  // Of those that are over. Guarded by this, so that no sum ever shrinks.
  private long octetsUp;
  private long octetsDown;

  /**
   * Creates an empty set.
   *
   * @param linger see {@link Relay#check}
   * @param stall see {@link Relay#check}
   */
  public Relays(Duration linger, Duration stall) {
    this.linger = linger;
    this.stall = stall;
  }

  /** Adds a relay, until it is over. */
  public void add(Relay relay) {
    going.add(relay);
  }

  /** Removes a relay that is over. */
  public synchronized void remove(Relay relay) {
    if (going.remove(relay)) {
      octetsUp += relay.octetsUp();
      octetsDown += relay.octetsDown();
    }
  }

  /** Returns how many octets came from the near connections, of those that are over as well. */
  public synchronized long octetsUp() {
    return octetsUp + going.stream().mapToLong(Relay::octetsUp).sum();
  }

  /** Returns how many octets came from the far connections, of those that are over as well. */
  public synchronized long octetsDown() {
    return octetsDown + going.stream().mapToLong(Relay::octetsDown).sum();
  }

  /** Returns how many are going on. */
  public int count() {
    return going.size();
  }

  /** Ends all. */
  public void end() {
    going.forEach(Relay::end);
  }

  /** Ends all, since the process ends. */
  public void cutOff() {
    going.forEach(Relay::cutOff);
  }

  /**
   * Ends those that have stood still for too long.
   *
   * @param now {@link System#nanoTime}
   */
  public void sweep(long now) {
    going.forEach(relay -> relay.check(now, linger, stall));
  }
}
