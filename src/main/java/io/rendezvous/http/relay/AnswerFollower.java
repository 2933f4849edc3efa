package io.rendezvous.http.relay;

import io.rendezvous.http.BodySkipper;
import io.rendezvous.http.ResponseHead;
import io.rendezvous.http.ResponseHead.Framing;
import io.rendezvous.http.ResponseHeadReader;
import java.net.ProtocolException;
import java.nio.ByteBuffer;

/**
 * Finds where the answers of a server begin and end, one after the other, and changes nothing. It
 * is as lenient as clients are.
 *
 * <p>Lives on the I/O thread of the server's connection.
 */
final class AnswerFollower {
  private static final int MAX_HEAD = 64 * 1024;
  private static final int SWITCHING_PROTOCOLS = 101;

  /** Where the octets read so far have led. */
  enum Progress {
    /** All octets were read. */
    MORE,
    /** An answer is complete. What follows it was not read. */
    ANSWERED,
    /** Another protocol follows; nothing of it was read. */
    SWITCHED
  }

  private final OwedAnswers owed;
  private ResponseHeadReader reader = new ResponseHeadReader(MAX_HEAD);
  private BodySkipper body = new BodySkipper(0);
  private boolean inBody;
  private boolean toEnd; // the body ends with the connection

  AnswerFollower(OwedAnswers owed) {
    this.owed = owed;
  }

  /**
   * Consumes octets, up to the end of an answer.
   *
   * @throws ProtocolException if they cannot be followed, whatever comes after them
   */
  Progress follow(ByteBuffer read) throws ProtocolException {
    while (read.hasRemaining()) {
      OwedAnswers.Owed next = owed.next();
      if (next == null) {
        skipEmptyLines(read);
      } else if (inBody) {
        if (endsIn(read)) {
          return answered();
        }
      } else {
        Progress progress = readHead(read, next);
        if (progress != Progress.MORE) {
          return progress;
        }
      }
    }
    return Progress.MORE;
  }

  /** Skips what some servers send after a body. */
  private static void skipEmptyLines(ByteBuffer read) throws ProtocolException {
    byte octet = read.get();
    if (octet != '\r' && octet != '\n') {
      throw new ProtocolException("an answer to no request");
    }
  }

  /** Reads the body on, and returns whether its end is there. */
  private boolean endsIn(ByteBuffer read) throws ProtocolException {
    if (toEnd) {
      read.position(read.limit());
      return false;
    }
    return switch (body.skip(read)) {
      case MORE -> false;
      case END -> true;
      case MALFORMED -> throw new ProtocolException("malformed chunk");
    };
  }

  private Progress readHead(ByteBuffer read, OwedAnswers.Owed next) throws ProtocolException {
    return switch (reader.read(read)) {
      case MORE -> Progress.MORE;
      case WHOLE -> {
        ResponseHead head = reader.parse();
        reader = new ResponseHeadReader(MAX_HEAD);
        yield onHead(head, next);
      }
      case TOO_LONG -> throw new ProtocolException("the head is too long");
      case MALFORMED -> throw new ProtocolException("malformed head");
    };
  }

  private Progress onHead(ResponseHead head, OwedAnswers.Owed next) throws ProtocolException {
    OwedAnswers.Kind kind = next.kind();
    int status = head.status();
    if (status == SWITCHING_PROTOCOLS && kind != OwedAnswers.Kind.UPGRADE) {
      throw new ProtocolException("101 without having been asked to switch protocols");
    }
    boolean connected = kind == OwedAnswers.Kind.CONNECT && status / 100 == 2;
    if (status == SWITCHING_PROTOCOLS || connected) {
      next.observation().answered(head);
      return Progress.SWITCHED;
    }
    if (status / 100 == 1) {
      return Progress.MORE;
    }
    next.observation().answered(head);
    if (kind.maySwitch()) {
      owed.decide();
    }
    AnswerBody framed = AnswerBody.of(head, kind == OwedAnswers.Kind.HEAD);
    if (framed.isEmpty()) {
      return answered();
    }
    inBody = true;
    toEnd = framed.framing() == Framing.END;
    body = BodySkipper.ofAnswer(framed.framing() == Framing.CHUNKS ? -1 : framed.length());
    return Progress.MORE;
  }

  private Progress answered() {
    inBody = false;
    owed.remove();
    return Progress.ANSWERED;
  }
}
