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
 * Detects that this machine was asleep or has lost one of its addresses, either of which leaves
 * connections dead without a sign. Sleep shows because Java's timer stands still meanwhile and the
 * clock does not.
 *
 * <p>Used by one thread at a time, which may block.
 */
final class NetworkChange {
  /** A clock that is set right jumps less; one that goes on after sleep jumps more. */
  private static final Duration MIN_SLEEP = Duration.ofSeconds(10);

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

  /** Returns whether a change has occurred since the last call. */
  boolean hasOccurred() {
    Instant nowTime = clock.instant();
    long nowTimer = System.nanoTime();
    Duration slept = Duration.between(time, nowTime).minusNanos(nowTimer - timer);
    Set<InetAddress> nowAddresses = addresses();
    // A machine without any address has not moved yet, and a further address breaks nothing.
    boolean moved = !nowAddresses.isEmpty() && !nowAddresses.containsAll(addresses);
    time = nowTime;
    timer = nowTimer;
    addresses = nowAddresses.isEmpty() ? addresses : nowAddresses;
    return moved || slept.compareTo(MIN_SLEEP) > 0;
  }

  /** Returns the addresses at which others may reach this machine, or an empty set. */
  private static Set<InetAddress> addresses() {
    Set<InetAddress> addresses = new HashSet<>();
    try {
      NetworkInterface.networkInterfaces()
          .flatMap(NetworkInterface::inetAddresses)
          .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress())
          .forEach(addresses::add);
    } catch (SocketException e) {
      // Unknown for now; the next call finds out.
    }
    return addresses;
  }
}
