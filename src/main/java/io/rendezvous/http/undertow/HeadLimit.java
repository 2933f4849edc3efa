package io.rendezvous.http.undertow;

import io.rendezvous.net.Conn;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import org.xnio.conduits.AbstractStreamSourceConduit;
import org.xnio.conduits.ConduitStreamSourceChannel;
import org.xnio.conduits.StreamSourceConduit;

/**
 * Bounds the heads of a server's answers, interim ones (1xx) together with the one that follows:
 * Undertow's client itself would gather them without end.
 *
 * <p>It cannot tell where a head ends, but is told. Until then it counts what is read, and refuses
 * to read on when that is too much. For the connection's I/O thread.
 */
final class HeadLimit extends AbstractStreamSourceConduit<StreamSourceConduit> {
  private static final int MAX_HEAD = 64 * 1024;

  private boolean counting = true;
  private int octets;
  private boolean exceeded;

  private HeadLimit(StreamSourceConduit next) {
    super(next);
  }

  /** Sits down on a connection on which a request is about to be sent. */
  static HeadLimit on(Conn conn) {
    ConduitStreamSourceChannel source = conn.channel().getSourceChannel();
    HeadLimit limit = new HeadLimit(source.getConduit());
    source.setConduit(limit);
    return limit;
  }

  /** A further request is about to be sent. */
  void begin() {
    counting = true;
    octets = 0;
  }

  /** The head was read. */
  void lift() {
    counting = false;
  }

  /** Returns whether a head was too long. */
  boolean wasExceeded() {
    return exceeded;
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    if (counting && octets > MAX_HEAD) {
      exceeded = true;
      throw new ProtocolException("a head of more than " + MAX_HEAD / 1024 + " KiB");
    }
    int n = super.read(into);
    if (counting && n > 0) {
      octets += n;
    }
    return n;
  }
}
