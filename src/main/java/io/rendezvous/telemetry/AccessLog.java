package io.rendezvous.telemetry;

import io.rendezvous.http.SeenRequest;
import io.rendezvous.tunnel.Rendezvous;
import io.rendezvous.tunnel.TunnelListener;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The access log, written to the logger {@code rendezvous.access}: one line for each rendezvous and
 * for each request that the broker sees, when it ends. The line of a rendezvous has these fields,
 * as {@code key=value} separated by spaces:
 *
 * <dl>
 *   <dt>began
 *   <dd>the time when the client was paired with a tunnel: {@code 2026-01-31T12:00:00.123Z}
 *   <dt>id
 *   <dd>the first eight digits of the hidden server's UUID, or the whole UUID
 *   <dt>client
 *   <dd>the client's address and port: {@code 203.0.113.7:40112}, {@code
 *       [2001:db8:0:0:0:0:0:1]:40112}
 *   <dt>waited_ms
 *   <dd>the time from the client's request to the pairing
 *   <dt>attempt
 *   <dd>1, or more if earlier tunnels gave no answer; each attempt has a line
 *   <dt>lasted_ms
 *   <dd>the time from the pairing to the end
 *   <dt>in, out
 *   <dd>the number of bytes from the client and to the client
 *   <dt>end
 *   <dd>{@code whole}: both directions ended in order; {@code client-broke}, {@code server-broke}:
 *       the client's connection or the tunnel was cut off or reset; {@code stood-still}: nothing
 *       moved for too long; {@code revoked}: the entry was deleted or its secret revoked; {@code
 *       broker-ended}: the broker ended first; {@code unanswered}: the tunnel ended before an
 *       answer
 * </dl>
 *
 * <p>The line of a request has {@code began}, {@code id}, {@code client}, {@code in}, {@code out}
 * as above, and these fields. The first request of a connection whose bytes are relayed as they are
 * ({@code first=true}) has the bytes and the end of the whole connection.
 *
 * <dl>
 *   <dt>method, path
 *   <dd>what was requested, without the query: printable ASCII without blanks
 *   <dt>status
 *   <dd>the status of the answer, or {@code -}
 *   <dt>first
 *   <dd>{@code true}: later requests of the connection have no line
 *   <dt>answered_ms
 *   <dd>the time until the answer began, or {@code -}
 *   <dt>lasted_ms
 *   <dd>the time until the end
 *   <dt>end
 *   <dd>{@code whole}, {@code client-broke}, {@code server-broke}, {@code stood-still}, {@code
 *       unanswered} as above; {@code upgraded}: to another protocol, such as WebSocket; {@code
 *       cut-off}: the broker ended, or the entry was deleted or revoked
 * </dl>
 *
 * <p>Method and path are the only text that a client chooses.
 *
 * <p>Any thread may call. A thread of its own writes the lines; lines that it cannot keep up with
 * are dropped and counted.
 */
public final class AccessLog implements TunnelListener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("rendezvous.access");
  private static final int MAX_LINES = 8192;
  private static final int SHORT_ID_LENGTH = 8;
  private static final String NONE = "-";

  private final boolean fullUuids;
  private final Consumer<String> log;
  private final BoundedWriter<Supplier<String>> lines;

  // Used on the writing thread only.
  private long reportedDropped;

  /**
   * Starts the log.
   *
   * @param fullUuids whether UUIDs are written in full, although a UUID lets a client in
   */
  AccessLog(boolean fullUuids) {
    this(fullUuids, MAX_LINES, LOG::info);
  }

  AccessLog(boolean fullUuids, int maxLines, Consumer<String> log) {
    this.fullUuids = fullUuids;
    this.log = log;
    this.lines = new BoundedWriter<>("access-log", maxLines, this::write);
    lines.start();
  }

  @Override
  public void over(Rendezvous rendezvous) {
    lines.offer(() -> line(rendezvous));
  }

  @Override
  public void requested(UUID id, InetSocketAddress client, SeenRequest request) {
    if (request.ended().isPresent()) {
      lines.offer(() -> line(id, client, request));
    }
  }

  /** Returns the number of lines that were dropped so far. */
  long dropped() {
    return lines.dropped();
  }

  private void write(Supplier<String> line) {
    long dropped = lines.dropped();
    if (dropped > reportedDropped) {
      LOG.warn(
          "{} lines of the access log were dropped here: they came too fast",
          dropped - reportedDropped);
      reportedDropped = dropped;
    }
    log.accept(line.get());
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

  private String line(UUID id, InetSocketAddress client, SeenRequest request) {
    return "began="
        + request.began().truncatedTo(ChronoUnit.MILLIS)
        + " id="
        + id(id)
        + " client="
        + address(client)
        + " method="
        + request.method()
        + " path="
        + request.path()
        + " status="
        + (request.status().isPresent() ? request.status().getAsInt() : NONE)
        + " first="
        + request.first()
        + " answered_ms="
        + request.answeredAfter().map(time -> Long.toString(time.toMillis())).orElse(NONE)
        + " lasted_ms="
        + request.lasted().toMillis()
        + " in="
        + request.bytesIn()
        + " out="
        + request.bytesOut()
        + " end="
        + request.ended().map(AccessLog::word).orElse("unknown");
  }

  private String id(UUID id) {
    return fullUuids ? id.toString() : id.toString().substring(0, SHORT_ID_LENGTH);
  }

  static String address(InetSocketAddress client) {
    InetAddress address = client.getAddress();
    String text = address.getHostAddress();
    return (address instanceof Inet6Address ? "[" + text + "]" : text) + ":" + client.getPort();
  }

  /** Returns the word for an end that the access log, the metrics and the API use. */
  public static String word(Enum<?> end) {
    return end.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Writes the lines that wait, and ends the thread. */
  @Override
  public void close() {
    lines.close();
  }
}
