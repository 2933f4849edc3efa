package io.rendezvous.tunnel;

import io.rendezvous.entry.Entry;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * A connection from a hidden server: parked, then paired with one client, then over. Used once.
 *
 * <p>While it is parked its reads stay on, so that its end is noticed at once; a hidden server says
 * nothing before it was asked, and one that does is closed. Whoever takes it from {@link TunnelRegistry}
 * owns the connection, and begins on the connection's own thread: what the watch has seen by then,
 * it has answered by closing.
 */
public final class Tunnel {
  /** Ends what a tunnel is paired in. */
  public interface Pairing {
    /** Ends it now. Any thread may call. */
    void end();
  }

  private final UUID id;
  private final String label;
  private final Conn conn;
  private final boolean canBeProbed;
  private final InetSocketAddress askedFrom;
  private final TunnelRegistry tunnels;
  private final long parkedAt;
  private final long retireAt;
  private final boolean wantsProxyHeader;

  // Guarded by the lock of tunnels.
  private @Nullable Pairing pairing;
  private @Nullable LivenessProbe question; // that is open
  private byte questions; // as few octets as will do: there may be many tunnels
  private long heardAt;

  /**
   * Creates one that is not watched yet.
   *
   * @param id the entry's: one object for all its tunnels, since there may be many
   * @param parkedAt now
   */
  Tunnel(
      UUID id,
      Entry entry,
      String label,
      InetSocketAddress askedFrom,
      Conn conn,
      TunnelRegistry tunnels,
      long parkedAt) {
    this.id = id;
    this.label = label;
    this.askedFrom = askedFrom;
    this.wantsProxyHeader = entry.wantsProxyHeader();
    this.conn = conn;
    this.canBeProbed = conn.canBeProbed();
    this.tunnels = tunnels;
    this.parkedAt = parkedAt;
    this.heardAt = parkedAt;
    long age = tunnels.limits().age().toNanos();
    this.retireAt = parkedAt + age - ThreadLocalRandom.current().nextLong(age / 10 + 1);
  }

  /** Returns the hidden server it belongs to. */
  public UUID id() {
    return id;
  }

  /** Returns the label it was parked for, empty where that does not matter. */
  public String label() {
    return label;
  }

  /** Returns where the hidden server asked from whether it may park it. */
  public InetSocketAddress askedFrom() {
    return askedFrom;
  }

  /** Returns whether a PROXY header goes before the request (PROTOCOL 1.5). */
  public boolean wantsProxyHeader() {
    return wantsProxyHeader;
  }

  /** Returns its connection, for whoever took it. */
  public Conn conn() {
    return conn;
  }

  /** Returns when it was parked, by {@link System#nanoTime}. */
  long parkedAt() {
    return parkedAt;
  }

  /** Returns from when on it is too old. */
  long retireAt() {
    return retireAt;
  }

  @Nullable Pairing pairing() {
    return pairing;
  }

  void pairing(Pairing now) {
    pairing = now;
  }

  /** Returns the question that its hidden server is to answer, if one is open. */
  @Nullable LivenessProbe question() {
    return question;
  }

  /** Returns whether a question is open that is a test. */
  boolean isTested() {
    return question != null && question.isTest();
  }

  /** Opens a question, to a tunnel that has none open. */
  LivenessProbe ask(boolean isTest) {
    LivenessProbe asked = new LivenessProbe(this, tunnels, isTest);
    question = asked;
    questions++;
    return asked;
  }

  /** Closes its question, if one is open. */
  void unask() {
    question = null;
  }

  /** Its hidden server was heard. */
  void heard(long now) {
    question = null;
    heardAt = now;
  }

  /** Returns whether its hidden server was heard within that time. */
  boolean wasHeard(long now, Duration within) {
    return now - heardAt < within.toNanos();
  }

  /** Returns whether its hidden server can be asked, or could be if it had not been so often. */
  boolean canBeAsked() {
    return canBeProbed && (question != null || questions < LivenessProbe.MOST);
  }

  /** Notices what becomes of the parked connection. Called on its thread. */
  void watch() {
    conn.onReadable(this::onSign);
    conn.resumeReads();
  }

  /** Looks at what there is to read. On its thread, while it is parked. */
  void onSign() {
    ByteBuffer one = ByteBuffer.allocate(1);
    try {
      int n = conn.read(one);
      if (n == 0) {
        return;
      }
      tunnels.ended(this, n < 0 ? End.CLOSED : End.SPOKE);
      conn.close();
    } catch (IOException e) {
      onFailure(e);
    }
  }

  /** It broke. On its thread, while it is parked. */
  void onFailure(IOException e) {
    boolean silent = String.valueOf(e.getMessage()).contains("timed out");
    tunnels.ended(this, silent ? End.SILENT : End.RESET);
    conn.close();
  }

  /** Ends the parked connection in order. Any thread may call, once it is out of the registry. */
  void dismiss() {
    conn.execute(() -> LingeringClose.end(conn));
  }

  /** Why a parked tunnel is parked no more. */
  public enum End {
    /** The hidden server closed it. */
    CLOSED,
    /** It was reset. */
    RESET,
    /** Nothing at the other end answered the probes of TCP's keepalive. */
    SILENT,
    /** The hidden server did not answer when it was asked to prove that it lives. */
    UNPROVEN,
    /** The hidden server spoke before it was asked. */
    SPOKE,
    /** A newer one took its place. */
    REPLACED,
    /** It was too old. */
    RETIRED,
    /** Its entry was deleted, or its secret revoked. */
    REVOKED,
    /** The broker closes down. */
    DRAINED
  }

  @Override
  public String toString() {
    return "tunnel " + conn;
  }
}
