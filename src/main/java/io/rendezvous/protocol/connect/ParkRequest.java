package io.rendezvous.protocol.connect;

import io.rendezvous.entry.Entry;
import io.rendezvous.http.HeadReader;
import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.Conn;
import io.rendezvous.protocol.Parking;
import io.rendezvous.protocol.Refusals;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/**
 * A hidden server's request to park a tunnel (protocol.md, 1.1). The head is read, {@link #onHead}
 * checks it, the token is checked, and the connection is parked or refused.
 *
 * <p>Owns the connection until then, and lives on its I/O thread.
 */
final class ParkRequest {
  private static final int MAX_HEAD = 8 * 1024;
  private static final String SCHEME = "uuid:";
  private static final String RESPONSE = "response";

  private final Conn conn;
  private final Parking parking;
  private final Refusals refusals;
  private final HeadReader reader = new HeadReader(MAX_HEAD);
  private Optional<UUID> named = Optional.empty(); // the UUID of the request
  private boolean over; // refused or closed

  ParkRequest(Conn conn, Parking parking, Refusals refusals) {
    this.conn = conn;
    this.parking = parking;
    this.refusals = refusals;
  }

  /**
   * Takes the connection over.
   *
   * @param left how much time is left for the head
   */
  void start(Duration left) {
    conn.deadline(left, () -> refuse(Problem.permanent(408, "the request took too long")));
    conn.onDrain(() -> refuse(Problem.DRAINING));
    conn.onReadable(this::onReadable);
    conn.resumeReads();
    onBytes(conn.takeEarly());
  }

  private void onReadable() {
    conn.readEach(this::onBytes);
  }

  /** Returns whether more bytes are needed. */
  private boolean onBytes(ByteBuffer bytes) {
    HeadReader.Progress progress = reader.read(bytes);
    switch (progress) {
      case MORE -> {}
      case MALFORMED -> refuse(Problem.permanent(400, "malformed request head"));
      case TOO_LONG -> refuse(Problem.permanent(431, "the request head is too long"));
      case WHOLE -> onHead(bytes.hasRemaining());
    }
    return progress == HeadReader.Progress.MORE;
  }

  /** Checks the head. The order of the checks is part of the protocol. */
  private void onHead(boolean moreFollows) {
    conn.clearDeadline();
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
      refuse(Problem.permanent(403, "not a proxy: only uuid: targets are served"));
      return;
    }
    int query = target.indexOf('?');
    String path = target.substring(SCHEME.length(), query < 0 ? target.length() : query);
    named = Entry.parseId(path);
    UUID id = named.orElse(null);
    String token = head.parameter(RESPONSE).orElse("");
    if (id == null) {
      refuse(Problem.permanent(400, "the target is not a UUID"));
    } else if (token.isEmpty()) {
      refuse(Problem.permanent(407, "the parameter response is missing"));
    } else if (moreFollows) {
      refuseEarlyBytes();
    } else {
      authenticate(id, token);
    }
  }

  private void authenticate(UUID id, String token) {
    conn.onReadable(this::checkSilent);
    parking.check(id, token, conn.source(), outcome -> conn.execute(() -> onOutcome(outcome)));
  }

  /** Ends the request if the hidden server went away, or sent something before the answer. */
  private void checkSilent() {
    ByteBuffer one = ByteBuffer.allocate(1);
    try {
      int n = conn.read(one);
      if (n > 0) {
        refuseEarlyBytes();
      } else if (n < 0) {
        over = true;
        conn.close();
      }
    } catch (IOException e) {
      over = true;
      conn.close();
    }
  }

  private void onOutcome(Parking.Outcome outcome) {
    if (!over) {
      checkSilent();
    }
    if (over) {
      return;
    }
    if (outcome instanceof Parking.Outcome.Denied denied) {
      refuse(denied.problem());
    } else if (outcome instanceof Parking.Outcome.Granted granted) {
      parking.park(granted.permit(), conn, ProblemResponse.parked(refusals.now()));
    }
  }

  private void refuseEarlyBytes() {
    refuse(Problem.temporary(409, "bytes follow the request before it was answered"));
  }

  private void refuse(Problem problem) {
    over = true;
    conn.onDrain(null);
    refusals.hiddenServer(conn, named, problem);
  }
}
