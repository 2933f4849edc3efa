package io.rendezvous.protocol;

import io.rendezvous.entry.Authenticator.Verdict;
import io.rendezvous.entry.Entry;
import io.rendezvous.http.Problem;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Source;
import io.rendezvous.tunnel.TunnelRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Parks the connections of hidden servers, in the same steps for every protocol: check the token,
 * announce the tunnel, tell the hidden server that it is parked, park.
 */
public final class Parking {
  private static final Logger LOG = LoggerFactory.getLogger(Parking.class);
  private static final Problem FULL = Problem.retry(503, "the broker is full or closing down", 30);

  /** The digits of the tokens that hidden servers of 2013 send. */
  private static final int OLD_DIGITS = 6;

  /**
   * Time between the answer and the first request. Hidden servers of 2013 read both in one piece if
   * they can, and then lose the request.
   */
  private static final Duration OLD_PAUSE = Duration.ofMillis(25);

  private final TokenCheck tokens;
  private final TunnelRegistry tunnels;
  private final LongSupplier ticker;

  /**
   * Creates the parking of one registry.
   *
   * @param ticker tells nanoseconds, as {@link System#nanoTime} does
   */
  public Parking(TokenCheck tokens, TunnelRegistry tunnels, LongSupplier ticker) {
    this.tokens = tokens;
    this.tunnels = tunnels;
    this.ticker = ticker;
  }

  /**
   * A hidden server's permission to park. It is void if the entry was deleted since.
   *
   * @param since when the entry was looked up, or before, in nanoseconds
   */
  public record Permit(Entry entry, long since) {}

  /** The outcome of a check. */
  public sealed interface Outcome {
    /** The token is right, and there is room. */
    record Granted(Permit permit) implements Outcome {}

    /** The token is wrong or could not be checked, or there is no room. */
    record Denied(Problem problem) implements Outcome {}
  }

  /**
   * Checks a hidden server's token. Any thread may call.
   *
   * @param then accepts the outcome, on a thread that may block
   */
  public void check(UUID id, String token, Source source, Consumer<Outcome> then) {
    long since = ticker.getAsLong();
    tokens.check(id, token, source, verdict -> then.accept(outcome(verdict, since)));
  }

  private Outcome outcome(Verdict verdict, long since) {
    Optional<Problem> problem = TokenCheck.problem(verdict);
    if (problem.isPresent()) {
      return new Outcome.Denied(problem.get());
    }
    return verdict instanceof Verdict.Accepted accepted && !isFull()
        ? new Outcome.Granted(new Permit(accepted.entry(), since))
        : new Outcome.Denied(FULL);
  }

  /** Returns whether there is no room for a further tunnel. Any thread may call. */
  public boolean isFull() {
    return tunnels.isFull();
  }

  /** Returns a permit for an entry whose hidden server was authenticated before, as of now. */
  public Permit permit(Entry entry) {
    return new Permit(entry, ticker.getAsLong());
  }

  /**
   * Announces the tunnel, tells the hidden server that it is parked, and parks it. Called on the
   * connection's I/O thread; takes the connection over.
   *
   * @param answer is written before the connection is parked
   */
  public void park(Permit permit, Conn conn, ByteBuffer answer) {
    tunnels.announce(permit.entry().id());
    conn.identified(); // not to be closed for another between the answer and its parking
    conn.suspendReads();
    conn.onDrain(conn::close);
    conn.onWritable(() -> write(permit, conn, answer));
    write(permit, conn, answer);
  }

  private void write(Permit permit, Conn conn, ByteBuffer answer) {
    try {
      while (answer.hasRemaining()) {
        if (conn.write(answer) == 0) {
          conn.resumeWrites();
          return;
        }
      }
      if (!conn.flush()) {
        conn.resumeWrites();
        return;
      }
    } catch (IOException e) {
      conn.close();
      return;
    }
    if (conn.discardsWrites()) {
      conn.close();
      return;
    }
    conn.suspendWrites();
    conn.onWritable(null);
    if (permit.entry().totp().digits() > OLD_DIGITS) {
      park(permit, "", conn.peer(), conn);
    } else {
      conn.after(OLD_PAUSE, () -> parkIfOpen(permit, conn));
    }
  }

  private void parkIfOpen(Permit permit, Conn conn) {
    if (conn.isOpen()) {
      park(permit, "", conn.peer(), conn);
    }
  }

  /**
   * Parks without an answer. Called on the connection's I/O thread; takes the connection over.
   *
   * @param label the label that the tunnel is for, or empty if it is for the whole entry
   * @param askedFrom the address from which the hidden server authenticated
   */
  public void park(Permit permit, String label, InetSocketAddress askedFrom, Conn conn) {
    conn.onDrain(null); // the registry ends parked connections
    conn.identified();
    LOG.debug("{} parked", conn);
    tunnels.park(permit.entry(), label, askedFrom, new ParkedConnection(conn), permit.since());
  }
}
