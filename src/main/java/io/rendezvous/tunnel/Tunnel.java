package io.rendezvous.tunnel;

import io.rendezvous.config.RelayMode;
import io.rendezvous.entry.Entry;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * One connection from a hidden server, used for one client at most:
 *
 * <pre>
 *          park              take               over
 *   new ---------> PARKED ----------> PAIRED ---------> gone
 *                   |  ^                 |
 *                   |  +---- putBack ----+
 *                   |
 *                   +---- one of {@link End} ---------> gone
 * </pre>
 *
 * <p>While a tunnel is parked its connection is watched, so that its end is noticed at once. A
 * hidden server sends nothing before it receives a request; otherwise the tunnel is closed. Whoever
 * takes a tunnel from the {@link TunnelRegistry} owns its connection from then on.
 */
public final class Tunnel {
  /** Why a tunnel that was parked, or was to be parked, was closed. */
  public enum End {
    /** The hidden server closed it. */
    CLOSED,
    /** The connection was reset. */
    RESET,
    /** The peer's host did not answer TCP keepalive. */
    SILENT,
    /** The hidden server did not answer a liveness probe. */
    UNPROVEN,
    /** The hidden server sent something before it received a request. */
    SPOKE,
    /** A newer tunnel took its place. */
    REPLACED,
    /** The tunnel reached its maximum age. */
    RETIRED,
    /** The entry was deleted, or its secret was revoked. */
    REVOKED,
    /** The broker is shutting down. */
    DRAINED
  }

  private final UUID id;
  private final String label;
  private final Connection connection;
  private final boolean canBeProbed;
  private final InetSocketAddress askedFrom;
  private final long parkedAt;
  private final long retireAt;
  private final boolean wantsProxyHeader;
  private final @Nullable RelayMode relay;

  // Guarded by the lock of the tunnel's pool.
  private @Nullable Runnable relayEnder;
  private @Nullable LivenessProbe probe; // that is unanswered
  private byte probes; // a byte, because there may be many tunnels
  private long heardAt;

  /**
   * Creates a tunnel that is not parked yet.
   *
   * @param id the entry's UUID: the same object for all its tunnels, to save memory
   * @param label the label that the tunnel is for, or empty if it is for the whole entry
   * @param askedFrom the address from which the hidden server authenticated
   * @param now in nanoseconds
   */
  Tunnel(
      UUID id,
      Entry entry,
      String label,
      InetSocketAddress askedFrom,
      Connection connection,
      Duration maxAge,
      long now) {
    this.id = id;
    this.label = label;
    this.askedFrom = askedFrom;
    this.wantsProxyHeader = entry.wantsProxyHeader();
    this.relay = entry.relay().orElse(null);
    this.connection = connection;
    this.canBeProbed = connection.canBeProbed();
    this.parkedAt = now;
    this.heardAt = now;
    long age = maxAge.toNanos();
    this.retireAt = now + age - ThreadLocalRandom.current().nextLong(age / 10 + 1);
  }

  /** Returns the UUID of the hidden server. */
  public UUID id() {
    return id;
  }

  /** Returns the label that the tunnel is for, or empty if it is for the whole entry. */
  public String label() {
    return label;
  }

  /** Returns the address from which the hidden server authenticated. */
  public InetSocketAddress askedFrom() {
    return askedFrom;
  }

  /** Returns whether the hidden server wants a PROXY header before the request. */
  public boolean wantsProxyHeader() {
    return wantsProxyHeader;
  }

  /** Returns how clients of the hidden server are relayed, if its entry says so. */
  public Optional<RelayMode> relay() {
    return Optional.ofNullable(relay);
  }

  /** Returns the connection. Only whoever took the tunnel may use it. */
  public Connection connection() {
    return connection;
  }

  /** Returns when the tunnel was first parked, in nanoseconds. */
  long parkedAt() {
    return parkedAt;
  }

  /**
   * Returns when the tunnel is to be retired, in nanoseconds. It is up to a tenth of the maximum
   * age early, at random, so that tunnels parked together are not retired together.
   */
  long retireAt() {
    return retireAt;
  }

  /** Returns what ends the relay that the tunnel is part of, if there is one. */
  @Nullable Runnable relayEnder() {
    return relayEnder;
  }

  void setRelayEnder(Runnable ender) {
    relayEnder = ender;
  }

  /** Returns the probe that the hidden server has not answered yet, if there is one. */
  @Nullable LivenessProbe probe() {
    return probe;
  }

  /** Returns whether that probe is a test. */
  boolean isTested() {
    return probe != null && probe.isTest();
  }

  /** Sets the probe that the hidden server has to answer, and returns it. */
  LivenessProbe setProbe(LivenessProbe sent) {
    probe = sent;
    probes++;
    return sent;
  }

  /** Forgets the unanswered probe, if there is one. */
  void forgetProbe() {
    probe = null;
  }

  /** Records that the hidden server was heard. */
  void heard(long now) {
    probe = null;
    heardAt = now;
  }

  /** Returns whether the hidden server was heard within that time. */
  boolean wasHeard(long now, Duration within) {
    return now - heardAt < within.toNanos();
  }

  /** Returns whether the hidden server can be probed, and was not probed too often already. */
  boolean canBeProbed() {
    return canBeProbed && (probe != null || probes < LivenessProbe.MAX_PER_TUNNEL);
  }

  @Override
  public String toString() {
    return "tunnel " + connection;
  }
}
