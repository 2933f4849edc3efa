package io.rendezvous.agent.requests;

import io.rendezvous.http.BodySkipper;
import io.rendezvous.http.HeaderField;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.ResponseHead;
import io.rendezvous.http.SeenRequest;
import io.rendezvous.http.relay.RequestObserver;
import java.io.ByteArrayOutputStream;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One request of the history, with its heads and its body. It observes the request while that goes
 * on. Any thread may call.
 */
final class KeptRequest implements RequestObserver {
  private final RequestHistory history;
  private final LocalServer server;
  private final OptionalLong replayOf;
  private final @Nullable RequestHead sent; // null if it is too long to be kept

  // Guarded by the history.
  private @Nullable ByteArrayOutputStream body = new ByteArrayOutputStream(0);
  private List<HeaderField> answerFields = List.of();
  private OptionalInt answerStatus = OptionalInt.empty();
  private @Nullable SeenRequest seen;
  private boolean whole; // once it is over

  private volatile boolean keepsBody = true; // saves the lock for each part of a long body

  /**
   * Begins to observe a request.
   *
   * @param sent the head that is sent to the local server
   * @param replayOf the number of the request that is sent again, if it is one
   */
  KeptRequest(RequestHistory history, LocalServer server, ByteBuffer sent, OptionalLong replayOf) {
    this.history = history;
    this.server = server;
    this.replayOf = replayOf;
    this.sent = parsed(sent);
  }

  private static @Nullable RequestHead parsed(ByteBuffer sent) {
    if (sent.remaining() > RequestHistory.MAX_HEAD) {
      return null;
    }
    byte[] octets = new byte[sent.remaining()];
    sent.duplicate().get(octets);
    try {
      return RequestHead.parse(octets);
    } catch (ProtocolException e) { // the parser reads what the editor writes
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void onBody(ByteBuffer part) {
    if (!keepsBody || !part.hasRemaining()) {
      return;
    }
    synchronized (history) {
      ByteArrayOutputStream kept = body;
      if (kept == null) {
        return;
      }
      boolean fits = kept.size() + part.remaining() <= RequestHistory.MAX_BODY;
      if (!fits || sent == null || !history.makeRoomFor(part.remaining())) {
        dropBody();
        return;
      }
      byte[] octets = new byte[part.remaining()];
      part.duplicate().get(octets);
      kept.writeBytes(octets);
    }
  }

  @Override
  public void onAnswer(ResponseHead answer) {
    List<HeaderField> fields = MaskedFields.cut(answer.fields().stream(), RequestHistory.MAX_HEAD);
    synchronized (history) {
      answerFields = fields;
      answerStatus = OptionalInt.of(answer.status());
    }
  }

  @Override
  public void onSeen(SeenRequest request) {
    synchronized (history) {
      seen = request;
      whole |= request.ended().isPresent() && isWhole();
      history.put(request.number(), this);
    }
  }

  /** Drops the body, and with it the chance to send the request again. */
  void dropBody() {
    synchronized (history) {
      if (body != null) {
        history.giveRoomBack(body.size());
      }
      body = null;
      keepsBody = false;
    }
  }

  /** Returns whether octets of a body are kept. */
  boolean hasBody() {
    synchronized (history) {
      return body != null && body.size() > 0;
    }
  }

  /** Returns what is shown of the request in a list. It has to be in the history. */
  RequestHistory.Shown shown() {
    synchronized (history) {
      SeenRequest known = seen;
      if (known == null) {
        throw new IllegalStateException();
      }
      return new RequestHistory.Shown(known, server.name(), replayOf, whole && body != null);
    }
  }

  /** Returns the heads as they may be shown. */
  RequestHistory.Heads heads() {
    RequestHistory.Shown shown = shown();
    String line = shown.request().method() + " " + shown.request().path();
    Stream<HeaderField> fields = sent == null ? Stream.empty() : sent.edit().fields();
    synchronized (history) {
      return new RequestHistory.Heads(
          lines(line, fields),
          answerStatus.isEmpty()
              ? List.of()
              : lines("HTTP/1.1 " + answerStatus.getAsInt(), answerFields.stream()));
    }
  }

  private static List<String> lines(String first, Stream<HeaderField> fields) {
    return Stream.concat(Stream.of(first), fields.map(MaskedFields::line)).toList();
  }

  /** A whole request that can be sent again. */
  record Message(RequestHead head, ByteBuffer body, LocalServer server) {}

  /** Returns the request if it can be sent again. */
  Optional<Message> message() {
    synchronized (history) {
      return whole && sent != null && body != null
          ? Optional.of(new Message(sent, ByteBuffer.wrap(body.toByteArray()), server))
          : Optional.empty();
    }
  }

  /** Returns whether all octets of the request are kept, and it asks for no other protocol. */
  private boolean isWhole() {
    if (sent == null || body == null || sent.isUpgrade() || sent.method().equals("CONNECT")) {
      return false;
    }
    ByteBuffer octets = ByteBuffer.wrap(body.toByteArray());
    return new BodySkipper(sent.bodyLength()).skip(octets) == BodySkipper.Progress.END;
  }
}
