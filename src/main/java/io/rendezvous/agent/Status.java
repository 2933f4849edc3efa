package io.rendezvous.agent;

import java.time.Duration;
import java.util.Optional;

/**
 * The state of a hidden server at one moment.
 *
 * @param parked how many tunnels are parked
 * @param wanted how many tunnels are to be parked, which follows the demand
 * @param active how many tunnels clients use
 * @param traffic what was served since the start
 * @param lastTrouble the last event that was trouble, however long ago
 * @param clockBehind how much this machine's clock is behind the broker's (negative: ahead), to the
 *     second; empty before the first response of the broker
 */
public record Status(
    int parked,
    int wanted,
    int active,
    Traffic traffic,
    Optional<Event> lastTrouble,
    Optional<Duration> clockBehind) {

  /**
   * Counts what was served.
   *
   * @param requests number of requests, or of connections where bytes are relayed
   * @param bytesIn bytes from clients
   * @param bytesOut bytes to clients
   */
  public record Traffic(long requests, long bytesIn, long bytesOut) {}

  /** Returns whether clients can reach the hidden server: a tunnel is parked or in use. */
  public boolean isOnline() {
    return parked + active > 0;
  }
}
