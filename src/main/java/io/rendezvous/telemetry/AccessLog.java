package io.rendezvous.telemetry;

import io.rendezvous.tunnel.Rendezvous;
import io.rendezvous.tunnel.TunnelListener;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.UUID;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs every rendezvous when it ends, to the logger {@code rendezvous.access}, in one line of
 * {@code key=value} pairs that are parted by blanks:
 *
 * <dl>
 *   <dt>began
 *   <dd>when the client was paired with a tunnel: {@code 2026-01-31T12:00:00.123Z}
 *   <dt>id
 *   <dd>of the hidden server: the first eight digits of its UUID and an ellipsis, or all of it
 *   <dt>client
 *   <dd>its address and port: {@code 203.0.113.7:40112}, {@code [2001:db8:0:0:0:0:0:1]:40112}
 *   <dt>waited_ms
 *   <dd>how long after its request it was paired
 *   <dt>attempt
 *   <dd>1, or more where earlier tunnels gave no answer: each attempt has a line
 *   <dt>lasted_ms
 *   <dd>from being paired to the end
 *   <dt>in, out
 *   <dd>octets from the client, and to it
 *   <dt>end
 *   <dd>{@code whole}: both directions have ended in order; {@code client-broke}, {@code
 *       server-broke}: that side was cut off or reset; {@code stood-still}: for too long; {@code
 *       revoked}: the entry was; {@code broker-ended}: before it did; {@code unanswered}: the
 *       tunnel ended before an answer
 * </dl>
 *
 * Nothing in it is of anybody's choice but the client's address. Lines are written by a thread of
 * their own; those that it cannot keep up with are dropped and counted.
 */
public final class AccessLog implements TunnelListener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("rendezvous.access");
  private static final int MAX_LINES = 8192;
  private static final int SHORT_ID = 8;

  private final boolean fullUuids;
  private final Consumer<String> log;
  private final BoundedWriter<Rendezvous> lines;

  // Of the writing thread.
  private long toldDropped;

  /**
   * Begins to log.
   *
   * @param fullUuids whether UUIDs are not shortened; a UUID lets a client in
   */
  public AccessLog(boolean fullUuids) {
    this(fullUuids, MAX_LINES, LOG::info);
  }

  AccessLog(boolean fullUuids, int mostLines, Consumer<String> log) {
    this.fullUuids = fullUuids;
    this.log = log;
    this.lines = new BoundedWriter<>("access-log", mostLines, this::write);
    lines.start();
  }

  @Override
  public void over(Rendezvous rendezvous) {
    lines.offer(rendezvous);
  }

  /** Returns how many lines were dropped. */
  public long dropped() {
    return lines.dropped();
  }

  private void write(Rendezvous over) {
    long dropped = lines.dropped();
    if (dropped > toldDropped) {
      LOG.warn("{} lines are missing here: they came too fast", dropped - toldDropped);
      toldDropped = dropped;
    }
    log.accept(line(over));
  }

  private String line(Rendezvous over) {
    return "began="
        + over.began().truncatedTo(ChronoUnit.MILLIS)
        + " id="
        + id(over.id())
        + " client="
        + address(over.client())
        + " waited_ms="
        + over.waited().toMillis()
        + " attempt="
        + over.attempt()
        + " lasted_ms="
        + over.lasted().toMillis()
        + " in="
        + over.bytesIn()
        + " out="
        + over.bytesOut()
        + " end="
        + over.ended().map(AccessLog::word).orElse("unknown");
  }

  private String id(UUID id) {
    return fullUuids ? id.toString() : id.toString().substring(0, SHORT_ID);
  }

  static String address(InetSocketAddress client) {
    InetAddress address = client.getAddress();
    String text = address.getHostAddress();
    return (address instanceof Inet6Address ? "[" + text + "]" : text) + ":" + client.getPort();
  }

  /** Returns the word for an end, in the access log and in metrics. */
  static String word(Rendezvous.End end) {
    return end.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Writes what is still to be written, and ends. */
  @Override
  public void close() {
    lines.close();
  }
}
