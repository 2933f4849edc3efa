package io.rendezvous.http.undertow;

import io.rendezvous.net.Conn;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import org.xnio.conduits.AbstractStreamSourceConduit;
import org.xnio.conduits.ConduitStreamSourceChannel;
import org.xnio.conduits.StreamSourceConduit;

/**
 * Limits the length of a response's head, which Undertow's client does not. Interim responses (1xx)
 * count together with the one that follows.
 *
 * <p>It does not see where a head ends; {@link #begin} and {@link #lift} tell it. In between it
 * counts what is read, and fails when that is too much. Lives on the connection's I/O thread.
 */
final class HeadLimit extends AbstractStreamSourceConduit<StreamSourceConduit> {
  private static final int MAX_HEAD = 64 * 1024;

  private boolean counting = true;
  private int length;
  private boolean exceeded;

  private HeadLimit(StreamSourceConduit next) {
    super(next);
  }

  /** Puts a limit on a connection on which a request is about to be sent. */
  static HeadLimit on(Conn conn) {
    ConduitStreamSourceChannel source = conn.channel().getSourceChannel();
    HeadLimit limit = new HeadLimit(source.getConduit());
    source.setConduit(limit);
    return limit;
  }

  /** Starts to count, because a further request is about to be sent. */
  void begin() {
    counting = true;
    length = 0;
  }

  /** Stops counting, because the head has been read. */
  void lift() {
    counting = false;
  }

  /** Returns whether a head was too long. */
  boolean wasExceeded() {
    return exceeded;
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    if (counting && length > MAX_HEAD) {
      exceeded = true;
      throw new ProtocolException("a head of more than " + MAX_HEAD / 1024 + " KiB");
    }
    int n = super.read(into);
    if (counting && n > 0) {
      length += n;
    }
    return n;
  }
}
