package io.rendezvous.agent;

import java.time.Duration;
import java.util.Optional;

/**
 * How a hidden server is doing.
 *
 * @param parked how many tunnels are parked
 * @param wanted how many are to be, as the demand has it
 * @param active how many are in use
 * @param traffic what went through them since the start
 * @param lastTrouble what last went wrong, however long ago
 * @param clockBehind how much this machine's clock is behind the broker's, in whole seconds, once
 *     the broker has told
 */
public record Status(
    int parked,
    int wanted,
    int active,
    Traffic traffic,
    Optional<Event> lastTrouble,
    Optional<Duration> clockBehind) {

  /**
   * What was served.
   *
   * @param requests how many requests; where octets are relayed, how many connections
   * @param octetsIn how many octets came from clients
   * @param octetsOut how many went to them
   */
  public record Traffic(long requests, long octetsIn, long octetsOut) {}

  /** Returns whether clients find it: a tunnel is parked, or will be when one has been used. */
  public boolean isOnline() {
    return parked + active > 0;
  }
}
