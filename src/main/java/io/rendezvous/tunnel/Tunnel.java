package io.rendezvous.tunnel;

import io.rendezvous.entry.Entry;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * One connection from a hidden server. It is used once:
 *
 * <pre>
 *          park              take                  over
 *   new ---------> PARKED ---------> PAIRED ------------------> gone
 *                   |  ^                |
 *                   |  +--- putBack ----+
 *                   |
 *                   +---- closed, replaced, retired, revoked, drained ---> gone
 * </pre>
 *
 * <p>While a tunnel is parked its connection is watched, so that its end is noticed at once. A
 * hidden server says nothing before it receives a request; one that does is closed. Whoever takes a
 * tunnel from the {@link TunnelRegistry} owns its connection from then on.
 */
public final class Tunnel {
  /** Why a parked tunnel is no longer parked. */
  public enum End {
    /** The hidden server closed it. */
    CLOSED,
    /** It was reset. */
    RESET,
    /** Nothing answered the probes of TCP keepalive. */
    SILENT,
    /** The hidden server did not prove that it is alive when it was asked to. */
    UNPROVEN,
    /** The hidden server spoke before it received a request. */
    SPOKE,
    /** A newer tunnel took its place. */
    REPLACED,
    /** It reached its maximum age. */
    RETIRED,
    /** Its entry was deleted, or its secret was revoked. */
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

  // Guarded by the lock of the tunnel's pool.
  private @Nullable Runnable ending; // of what it is paired in
  private @Nullable LivenessProbe probe; // that is unanswered
  private byte probes; // a byte, because there may be many tunnels
  private long heardAt;

  /**
   * Creates a tunnel that is not watched yet.
   *
   * @param id the entry's UUID: the same object for all its tunnels, to save memory
   * @param label the label it is parked for, or empty
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

  /** Returns the label the tunnel is parked for, or empty where that makes no difference. */
  public String label() {
    return label;
  }

  /** Returns the address from which the hidden server authenticated. */
  public InetSocketAddress askedFrom() {
    return askedFrom;
  }

  /** Returns whether a PROXY header precedes the request. */
  public boolean wantsProxyHeader() {
    return wantsProxyHeader;
  }

  /** Returns the connection. Only whoever took the tunnel may use it. */
  public Connection connection() {
    return connection;
  }

  /** Returns when the tunnel was parked, in nanoseconds. */
  long parkedAt() {
    return parkedAt;
  }

  /** Returns when the tunnel reaches its maximum age, in nanoseconds. */
  long retireAt() {
    return retireAt;
  }

  /** Returns what ends the relay that the tunnel is part of, if there is one. */
  @Nullable Runnable ending() {
    return ending;
  }

  void ending(Runnable ends) {
    ending = ends;
  }

  /** Returns the probe that the hidden server has yet to answer, if there is one. */
  @Nullable LivenessProbe probe() {
    return probe;
  }

  /** Returns whether such a probe is a test. */
  boolean isTested() {
    return probe != null && probe.isTest();
  }

  /** Sets the probe that the hidden server has to answer. */
  LivenessProbe probe(LivenessProbe sent) {
    probe = sent;
    probes++;
    return sent;
  }

  /** Forgets a probe that is unanswered. */
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
