package io.rendezvous.protocol;

import io.rendezvous.http.Identity;
import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.tunnel.Refusal;
import io.rendezvous.tunnel.TunnelListener;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Refuses peers. It answers them, ends their connections in a way that lets the answer arrive, and
 * tells the log and the listener.
 *
 * <p>Methods that answer are called on the connection's I/O thread, and take the connection over.
 * Any thread may call the others.
 */
public final class Refusals {
  private static final Logger LOG = LoggerFactory.getLogger(Refusals.class);

  private final TunnelListener listener;
  private final InstantSource clock;

  /**
   * Creates an instance.
   *
   * @param clock tells the time for the Date of answers
   */
  public Refusals(TunnelListener listener, InstantSource clock) {
    this.listener = listener;
    this.clock = clock;
  }

  /** Refuses a client's request that names no UUID. */
  public void client(Conn conn, RequestHead head, Problem problem) {
    client(conn, head, Optional.empty(), problem);
  }

  /**
   * Refuses a client's request.
   *
   * @param id the UUID that the client asked for, if it named one
   */
  public void client(Conn conn, RequestHead head, Optional<UUID> id, Problem problem) {
    refused(conn, TunnelListener.Side.CLIENT, id, problem);
    answer(conn, head, problem, Map.of());
  }

  /**
   * Refuses a hidden server.
   *
   * @param id the UUID that it claims, if it has named one
   */
  public void hiddenServer(Conn conn, Optional<UUID> id, Problem problem) {
    refused(conn, TunnelListener.Side.HIDDEN_SERVER, id, problem);
    answer(conn, problem);
  }

  /** Answers a peer whose request is not known, without telling the listener. */
  public void answer(Conn conn, Problem problem) {
    LingeringClose.say(conn, ProblemResponse.json(problem).closing(now(), Map.of()));
  }

  /**
   * Answers a request without telling the listener.
   *
   * @param more further headers of the answer
   */
  public void answer(Conn conn, RequestHead head, Problem problem, Map<String, String> more) {
    LingeringClose.say(conn, ProblemResponse.to(head, problem).closing(now(), more));
  }

  /** Gives an answer without telling the listener, and ends the connection. */
  public void answer(Conn conn, ProblemResponse response) {
    LingeringClose.say(conn, response.closing(now(), Map.of()));
  }

  /**
   * Tells the log and the listener of a refusal that the caller answers itself.
   *
   * @param id the UUID that the request named, if it named one
   */
  public void refused(Conn conn, TunnelListener.Side side, Optional<UUID> id, Problem problem) {
    LOG.debug("{} refused: {} {}", conn, problem.status(), problem.diagnostic());
    listener.refused(new Refusal(side, problem.status(), problem.diagnostic(), conn.peer(), id));
  }

  /** Tells the listener that a client has named a hidden server. */
  public void identified(Identity.Carrier carrier) {
    listener.identified(carrier);
  }

  /** Tells the listener that a client asked for an ID that is not connected. */
  public void absent(UUID id) {
    listener.absent(id);
  }

  /** Returns the time for the Date of an answer. */
  public Instant now() {
    return clock.instant();
  }
}
