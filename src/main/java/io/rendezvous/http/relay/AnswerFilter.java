package io.rendezvous.http.relay;

import io.rendezvous.http.BodySkipper;
import io.rendezvous.http.HeadEditor;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.ResponseHead;
import io.rendezvous.http.ResponseHead.Framing;
import io.rendezvous.http.ResponseHeadReader;
import io.rendezvous.net.BufferPool;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the answer to one request as it comes from the server, and returns what the client is sent
 * in its place: the interim responses (1xx) and the answer, each with its edited head, and the body
 * as it came. A body without a head before it in the same buffer is not copied.
 *
 * <p>Lives on the I/O thread of the server's connection.
 */
final class AnswerFilter {
  private static final int MAX_HEAD = 64 * 1024;
  private static final int MAX_INTERIM = 1024 * 1024; // in all
  private static final int CONTINUE = 100;
  private static final int SWITCHING_PROTOCOLS = 101;

  /** Decides about heads. */
  interface Editor {
    /** Edits the head of an interim response, or the one that switches protocols. */
    void editInterim(ResponseHead answer, HeadEditor editor);

    /**
     * Edits the head of the answer.
     *
     * @return whether the answer may begin; otherwise it came too late
     */
    boolean begin(ResponseHead answer, AnswerBody body, HeadEditor editor);
  }

  /** The part of the answer that comes next. */
  enum Part {
    /** A head. */
    HEAD,
    /** The body. */
    BODY,
    /** Nothing; the answer is complete. */
    NOTHING,
    /** Another protocol. What has come of it follows the head in the last buffer. */
    OTHER_PROTOCOL
  }

  /** The answer has a head that is too long. */
  static final class HeadTooLongException extends ProtocolException {
    private static final long serialVersionUID = 1;
  }

  private final RequestHead request;
  private final boolean upgrades;
  private final Editor editor;
  private final BufferPool buffers;
  private ResponseHeadReader reader = new ResponseHeadReader(MAX_HEAD);
  private AnswerBody body = new AnswerBody(Framing.NONE, 0, false);
  private BodySkipper skipper = new BodySkipper(0);
  private int interimLength;
  private boolean surplus;
  private Part part = Part.HEAD;
  private volatile boolean begun;
  private volatile boolean continued;

  /**
   * Creates a filter that expects a head.
   *
   * @param upgrades whether the server was asked to switch protocols
   */
  AnswerFilter(RequestHead request, boolean upgrades, Editor editor, BufferPool buffers) {
    this.request = request;
    this.upgrades = upgrades;
    this.editor = editor;
    this.buffers = buffers;
  }

  /** Returns the part of the answer that comes next. */
  Part part() {
    return part;
  }

  /** Returns whether anything has come from the server. Any thread may call. */
  boolean hasBegun() {
    return begun;
  }

  /** Returns whether {@code 100 Continue} has come from the server. */
  boolean hasContinued() {
    return continued;
  }

  /** Returns whether the body ends with the connection. */
  boolean endsWithConnection() {
    return part == Part.BODY && body.framing() == Framing.END;
  }

  /** Returns whether the client cannot find the end of the body but by the connection's. */
  boolean isUnframed() {
    return body.unframed();
  }

  /** Returns whether the server has sent anything after the answer. */
  boolean hasSurplus() {
    return surplus;
  }

  /**
   * Returns what is passed on in place of what was read: a part of the same buffer, or another one,
   * which may be empty.
   *
   * @throws ProtocolException if it is no answer, or a malformed one
   */
  ByteBuffer apply(ByteBuffer read) throws ProtocolException {
    begun = true;
    if (part == Part.BODY && !body.unframed()) {
      int start = read.position();
      int end = endOfBody(read);
      surplus = end < read.limit();
      return read.position(start).limit(end);
    }
    List<ByteBuffer> passed = new ArrayList<>();
    while (part == Part.HEAD && read.hasRemaining()) {
      readHead(read, passed);
    }
    if (part == Part.BODY) {
      passed.add(bodyOf(read));
    } else if (part == Part.OTHER_PROTOCOL) {
      passed.add(read);
    }
    surplus = part == Part.NOTHING && read.hasRemaining();
    return buffers.joined(passed);
  }

  private ByteBuffer bodyOf(ByteBuffer read) throws ProtocolException {
    if (body.unframed()) {
      ByteBuffer data = ByteBuffer.allocate(read.remaining());
      check(skipper.unframe(read, data));
      return data.flip();
    }
    ByteBuffer slice = read.duplicate();
    return slice.limit(endOfBody(read));
  }

  /** Consumes octets of the body, and returns where in the buffer it ends or breaks off. */
  private int endOfBody(ByteBuffer read) throws ProtocolException {
    if (body.framing() == Framing.END) {
      read.position(read.limit());
    } else {
      check(skipper.skip(read));
    }
    return read.position();
  }

  private void check(BodySkipper.Progress progress) throws ProtocolException {
    if (progress == BodySkipper.Progress.MALFORMED) {
      throw new ProtocolException("malformed chunk");
    }
    if (progress == BodySkipper.Progress.END) {
      part = Part.NOTHING;
    }
  }

  private void readHead(ByteBuffer read, List<ByteBuffer> passed) throws ProtocolException {
    switch (reader.read(read)) {
      case MORE -> {}
      case TOO_LONG -> throw new HeadTooLongException();
      case MALFORMED -> throw new ProtocolException("malformed head");
      case WHOLE -> {
        byte[] octets = reader.head();
        ResponseHead head = ResponseHead.parse(octets);
        if (head.status() / 100 == 1) {
          interimLength += octets.length;
        }
        onHead(head, new HeadEditor(octets, head.fields()), passed);
        reader = new ResponseHeadReader(MAX_HEAD);
      }
    }
  }

  private void onHead(ResponseHead head, HeadEditor edited, List<ByteBuffer> passed)
      throws ProtocolException {
    int status = head.status();
    boolean connected = request.method().equals("CONNECT") && status / 100 == 2;
    if (interimLength > MAX_INTERIM) {
      throw new ProtocolException("endless interim responses");
    }
    if (status == SWITCHING_PROTOCOLS && !upgrades) {
      throw new ProtocolException("101 without having been asked to switch protocols");
    }
    if (status == SWITCHING_PROTOCOLS || connected) {
      part = Part.OTHER_PROTOCOL;
      editor.editInterim(head, edited);
      passed.add(edited.octets());
    } else if (status / 100 == 1) {
      continued |= status == CONTINUE;
      if (request.isHttp11()) { // the others do not know interim responses (RFC 9110, 15.2)
        AnswerBody.of(head, request).correct(head, edited);
        editor.editInterim(head, edited);
        passed.add(edited.octets());
      }
    } else {
      begin(head, edited, passed);
    }
  }

  private void begin(ResponseHead head, HeadEditor edited, List<ByteBuffer> passed)
      throws ProtocolException {
    body = AnswerBody.of(head, request);
    body.correct(head, edited);
    skipper = BodySkipper.ofAnswer(body.framing() == Framing.CHUNKS ? -1 : body.length());
    part = body.isEmpty() ? Part.NOTHING : Part.BODY;
    if (editor.begin(head, body, edited)) {
      passed.add(edited.octets());
    }
  }
}
