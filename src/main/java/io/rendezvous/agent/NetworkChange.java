package io.rendezvous.agent;

import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.Set;

/**
 * Notices that this machine has slept, or has other addresses than before. Java's own timer stands
 * still while a machine sleeps, its clock does not.
 *
 * <p>For one thread at a time, which may block.
 */
final class NetworkChange {
  private final InstantSource clock;
  private Instant time;
  private long timer;
  private Set<InetAddress> addresses;

  NetworkChange(InstantSource clock) {
    this.clock = clock;
    this.time = clock.instant();
    this.timer = System.nanoTime();
    this.addresses = addresses();
  }

  /**
   * Returns whether anything has changed since this was last asked.
   *
   * @param sleep how far the clock has to be ahead of the timer
   */
  boolean haveChanged(Duration sleep) {
    Instant nowTime = clock.instant();
    long nowTimer = System.nanoTime();
    Duration ahead = Duration.between(time, nowTime).minusNanos(nowTimer - timer);
    Set<InetAddress> nowAddresses = addresses();
    // One that is without any for a moment has not moved yet; one more is no reason to leave.
    boolean moved = !nowAddresses.isEmpty() && !nowAddresses.containsAll(addresses);
    time = nowTime;
    timer = nowTimer;
    addresses = nowAddresses.isEmpty() ? addresses : nowAddresses;
    return moved || ahead.compareTo(sleep) > 0;
  }

  /** Returns the addresses by which others may reach this machine, or an empty set. */
  private static Set<InetAddress> addresses() {
    Set<InetAddress> addresses = new HashSet<>();
    try {
      NetworkInterface.networkInterfaces()
          .flatMap(NetworkInterface::inetAddresses)
          .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress())
          .forEach(addresses::add);
    } catch (SocketException e) {
      // Then it is not known.
    }
    return addresses;
  }
}
