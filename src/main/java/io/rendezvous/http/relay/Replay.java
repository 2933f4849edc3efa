package io.rendezvous.http.relay;

import io.rendezvous.http.HeadEditor;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.ResponseHead;
import io.rendezvous.http.SeenRequest;
import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Sends one request to a server once more, over a connection of its own, and reads the answer. The
 * body of the answer is discarded. It takes 30 s at most.
 *
 * <p>Lives on the I/O thread of the connection.
 */
public final class Replay implements Dialer.Result {
  private static final Duration MAX_TIME = Duration.ofSeconds(30);

  /** Buffers that are read before other connections of the thread have their turn. */
  private static final int MAX_READS = 16;

  private final RequestHead head;
  private final ByteBuffer octets;
  private final Observation observation;
  private final Runnable onOver;
  private @Nullable AnswerFilter answer;
  private boolean answered;
  private boolean over;

  /**
   * Creates a replay that has not started.
   *
   * @param head the head that is sent
   * @param body the body with its framing
   * @param observer observes the request
   * @param onOver runs once, when it is over
   */
  public Replay(
      RequestHead head,
      ByteBuffer body,
      RequestObserver observer,
      InstantSource clock,
      Runnable onOver) {
    this.head = head;
    this.octets = BufferPool.joined(head.octets(), body.duplicate());
    this.observation = new Observation(head, Optional.of(observer), clock);
    this.onOver = onOver;
    observation.body(body);
  }

  /** Connects to the server, and sends the request. Any thread may call. */
  public void start(Dialer dialer) {
    dialer.dial(this);
  }

  @Override
  public void opened(Conn conn) {
    answer = new AnswerFilter(head, false, new Editor(), conn.buffers());
    conn.onClosed(() -> end(conn, broken()));
    conn.deadline(MAX_TIME, () -> end(conn, SeenRequest.End.STOOD_STILL));
    conn.onReadable(() -> read(conn, conn.buffers().take()));
    conn.onWritable(() -> write(conn));
    conn.resumeReads();
    write(conn);
  }

  @Override
  public void failed(IOException reason) {
    end(null, SeenRequest.End.UNANSWERED);
  }

  private void write(Conn conn) {
    try {
      while (octets.hasRemaining()) {
        if (conn.write(octets) == 0) {
          conn.resumeWrites();
          return;
        }
      }
      if (conn.flush()) {
        conn.suspendWrites();
      } else {
        conn.resumeWrites();
      }
    } catch (IOException e) {
      end(conn, broken());
    }
  }

  private void read(Conn conn, ByteBuffer buffer) {
    try {
      int n = 1;
      for (int i = 0; i < MAX_READS && n > 0 && !over; i++) {
        n = conn.read(buffer.clear());
        if (n > 0) {
          onAnswer(conn, buffer.flip());
        }
      }
      if (n < 0) {
        boolean whole = answer != null && answer.endsWithConnection();
        end(conn, whole ? SeenRequest.End.WHOLE : broken());
      }
    } catch (IOException e) {
      end(conn, broken());
    } finally {
      conn.buffers().give(buffer);
    }
  }

  @SuppressWarnings("ReferenceEquality") // the filter may return the same buffer
  private void onAnswer(Conn conn, ByteBuffer read) throws IOException {
    AnswerFilter filter = answer;
    if (filter == null) {
      return;
    }
    ByteBuffer passed = filter.apply(read);
    observation.passedOn(passed);
    if (passed != read) {
      conn.buffers().give(passed);
    }
    if (filter.part() == AnswerFilter.Part.NOTHING) {
      end(conn, SeenRequest.End.WHOLE);
    }
  }

  private SeenRequest.End broken() {
    return answered ? SeenRequest.End.SERVER_BROKE : SeenRequest.End.UNANSWERED;
  }

  private void end(@Nullable Conn conn, SeenRequest.End how) {
    if (!over) {
      over = true;
      observation.over(how);
      onOver.run();
    }
    if (conn != null) {
      conn.close();
    }
  }

  /** Passes the heads of answers on to the observer. */
  private final class Editor implements AnswerFilter.Editor {
    @Override
    public void editInterim(ResponseHead interim, HeadEditor editor) {}

    @Override
    public boolean begin(ResponseHead head, AnswerBody body, HeadEditor editor) {
      answered = true;
      observation.answered(head);
      return true;
    }
  }
}
