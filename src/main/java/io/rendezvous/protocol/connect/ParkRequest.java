package io.rendezvous.protocol.connect;

import io.rendezvous.entry.Authenticator.Verdict;
import io.rendezvous.entry.Entry;
import io.rendezvous.http.HeadReader;
import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.protocol.TokenCheck;
import io.rendezvous.tunnel.TunnelListener;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A hidden server that wants to park a tunnel (PROTOCOL 1.1): its head is read, {@link #onHead}
 * checks it, the authenticator is asked, and the connection is parked or refused.
 *
 * <p>Owns the connection until then, and lives on its I/O thread.
 */
final class ParkRequest {
  private static final Logger LOG = LoggerFactory.getLogger(ParkRequest.class);
  private static final int MOST_HEAD = 8 * 1024;
  private static final String SCHEME = "uuid:";
  private static final String RESPONSE = "response=";

  private final Conn conn;
  private final ConnectProtocol protocol;
  private final HeadReader reader = new HeadReader(MOST_HEAD);
  private ByteBuffer ok = ByteBuffer.allocate(0);
  private long began;
  private boolean gone;

  ParkRequest(Conn conn, ConnectProtocol protocol) {
    this.conn = conn;
    this.protocol = protocol;
  }

  /**
   * Takes the connection over.
   *
   * @param read what was read of the head
   * @param left how much time is left for it
   */
  void start(ByteBuffer read, Duration left) {
    conn.deadline(left, () -> refuse(Problem.permanent(408, "the request took too long")));
    conn.onDrain(() -> refuse(Problem.DRAINING));
    conn.onReadable(this::onReadable);
    conn.resumeReads();
    onOctets(read);
  }

  private void onReadable() {
    conn.readEach(this::onOctets);
  }

  /** Returns whether more octets are wanted. */
  private boolean onOctets(ByteBuffer octets) {
    HeadReader.Progress progress = reader.read(octets);
    switch (progress) {
      case MORE -> {}
      case MALFORMED -> refuse(Problem.permanent(400, "malformed request head"));
      case TOO_LONG -> refuse(Problem.permanent(431, "the request head is too long"));
      case WHOLE -> onHead(octets.hasRemaining());
    }
    return progress == HeadReader.Progress.MORE;
  }

  /** The order of the checks is part of the protocol. */
  private void onHead(boolean moreFollows) {
    conn.noDeadline();
    RequestHead head;
    try {
      head = RequestHead.parse(reader.head());
      head.checkTunnelRequest();
    } catch (ProtocolException e) {
      refuse(Problem.permanent(400, String.valueOf(e.getMessage())));
      return;
    }
    String target = head.target();
    if (!target.startsWith(SCHEME)) {
      refuse(Problem.permanent(403, "this is no proxy: only uuid: targets are served"));
      return;
    }
    int query = target.indexOf('?');
    String path = target.substring(SCHEME.length(), query < 0 ? target.length() : query);
    UUID id = Entry.parseId(path).orElse(null);
    String token = query < 0 ? "" : response(target.substring(query + 1));
    if (id == null) {
      refuse(Problem.permanent(400, "what follows uuid: is not a UUID"));
    } else if (token.isEmpty()) {
      refuse(Problem.permanent(407, "the parameter response is missing"));
    } else if (moreFollows) {
      refuseEarlyOctets();
    } else {
      authenticate(id, token);
    }
  }

  private static String response(String query) {
    for (String parameter : query.split("&", -1)) {
      if (parameter.startsWith(RESPONSE)) {
        return parameter.substring(RESPONSE.length());
      }
    }
    return "";
  }

  private void authenticate(UUID id, String token) {
    conn.onReadable(this::onSign);
    began = System.nanoTime();
    protocol
        .tokens()
        .check(id, token, conn.source(), verdict -> conn.execute(() -> onVerdict(verdict)));
  }

  /** The hidden server went away, or spoke before it was asked to. */
  private void onSign() {
    ByteBuffer one = ByteBuffer.allocate(1);
    try {
      int n = conn.read(one);
      if (n > 0) {
        refuseEarlyOctets();
      } else if (n < 0) {
        gone = true;
        conn.close();
      }
    } catch (IOException e) {
      gone = true;
      conn.close();
    }
  }

  private void onVerdict(Verdict verdict) {
    if (!gone) {
      onSign();
    }
    if (gone) {
      return;
    }
    Optional<Problem> problem = TokenCheck.problem(verdict);
    if (problem.isPresent()) {
      refuse(problem.get());
    } else if (protocol.tunnels().isFull()) {
      refuse(Problem.retry(503, "the broker is full or closing down", 30));
    } else if (verdict instanceof Verdict.Accepted accepted) {
      protocol.tunnels().announce(accepted.entry().id());
      conn.suspendReads();
      ok = ProblemResponse.parked(protocol.now());
      conn.onWritable(() -> park(accepted.entry()));
      park(accepted.entry());
    }
  }

  private void park(Entry entry) {
    try {
      while (ok.hasRemaining()) {
        if (conn.write(ok) == 0) {
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
    if (conn.isDeaf()) {
      conn.close();
      return;
    }
    conn.suspendWrites();
    conn.onWritable(null);
    conn.onDrain(null);
    LOG.debug("{} parked", conn);
    protocol.tunnels().park(entry, conn, began);
  }

  private void refuseEarlyOctets() {
    refuse(Problem.passing(409, "octets follow the request before it was answered"));
  }

  private void refuse(Problem problem) {
    gone = true;
    conn.onDrain(null);
    LOG.debug("{} refused: {} {}", conn, problem.status(), problem.diagnostic());
    protocol.observer().refused(TunnelListener.Side.HIDDEN_SERVER, problem.status());
    LingeringClose.say(conn, ProblemResponse.json(problem).closing(protocol.now(), Map.of()));
  }
}
