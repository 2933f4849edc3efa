package io.rendezvous.net;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The relays that are running, so that they can be counted, swept and ended together. Any thread
 * may call.
 */
public final class Relays {
  private volatile Duration linger;
  private volatile Duration stall;
  private final Set<Relay> running = ConcurrentHashMap.newKeySet();

  // Of the relays that are over. Guarded by this, so that no sum ever decreases.
  private long bytesUp;
  private long bytesDown;

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

  /** Changes the times after which relays end, also for those that are running. */
  public void setTimes(Duration newLinger, Duration newStall) {
    linger = newLinger;
    stall = newStall;
  }

  /** Adds a relay. Its owner removes it when it is over. */
  public void add(Relay relay) {
    running.add(relay);
  }

  /** Removes a relay that is over. */
  public synchronized void remove(Relay relay) {
    if (running.remove(relay)) {
      bytesUp += relay.bytesUp();
      bytesDown += relay.bytesDown();
    }
  }

  /** Returns how many bytes came from the near connections, in relays that are over too. */
  public synchronized long bytesUp() {
    return bytesUp + running.stream().mapToLong(Relay::bytesUp).sum();
  }

  /** Returns how many bytes came from the far connections, in relays that are over too. */
  public synchronized long bytesDown() {
    return bytesDown + running.stream().mapToLong(Relay::bytesDown).sum();
  }

  /** Returns how many relays are running. */
  public int count() {
    return running.size();
  }

  /** Ends all relays: see {@link Relay#end}. */
  public void end() {
    running.forEach(Relay::end);
  }

  /** Ends all relays because the process ends. No near connection goes back to its owner. */
  public void cutOff() {
    running.forEach(Relay::cutOff);
  }

  /**
   * Ends the relays that have stood still for too long. To be called periodically.
   *
   * @param now the time of {@link System#nanoTime}
   */
  public void sweep(long now) {
    running.forEach(relay -> relay.check(now, linger, stall));
  }
}
