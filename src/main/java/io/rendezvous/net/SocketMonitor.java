package io.rendezvous.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.xnio.StreamConnection;
import org.xnio.conduits.AbstractStreamSinkConduit;
import org.xnio.conduits.AbstractStreamSourceConduit;
import org.xnio.conduits.StreamSinkConduit;
import org.xnio.conduits.StreamSourceConduit;

/**
 * Sits on the socket of a connection, below TLS, and remembers two things that a TLS conduit does
 * not report: that the TCP stream has ended, and that the peer accepts nothing more. It is used on
 * the connection's I/O thread.
 *
 * <p>Bytes that cannot be written are discarded here rather than reported as an error. A TLS
 * conduit would close the connection at such an error, and discard what the peer sent before it
 * closed its end. A read finds out whether the peer ended its stream in order or reset it. The
 * kernel, however, reports a reset only once: if a write has received it, the next read returns an
 * end. That end is turned into an error here.
 */
final class SocketMonitor {
  private static final Logger LOG = LoggerFactory.getLogger(SocketMonitor.class);

  /**
   * The message of EPIPE: the peer's stream had ended in order before. Where the messages of the
   * system are in another language, it counts as a reset.
   */
  private static final String BROKEN_PIPE = "Broken pipe";

  private final StreamConnection socket;
  private boolean ended;
  private boolean discardsWrites;
  private boolean reset;
  private boolean reportsLostWrites;

  /** Begins to monitor a socket. To be created before anything else sits on the socket. */
  SocketMonitor(StreamConnection socket) {
    this.socket = socket;
    socket.getSourceChannel().setConduit(new SourceConduit(socket.getSourceChannel().getConduit()));
    socket.getSinkChannel().setConduit(new SinkConduit(socket.getSinkChannel().getConduit()));
  }

  /**
   * Ends the TCP stream to the peer, without a close_notify. Everything has to be flushed before.
   */
  void shutdownWrites() throws IOException {
    socket.getSinkChannel().getConduit().terminateWrites();
  }

  /** Returns whether the end of the TCP stream was read. */
  boolean hasEnded() {
    return ended;
  }

  /** Returns whether the peer accepts nothing more, so that writes are discarded. */
  boolean discardsWrites() {
    return discardsWrites;
  }

  /** Makes writes fail from now on, rather than be discarded. */
  void reportLostWrites() {
    reportsLostWrites = true;
  }

  private void lost(IOException e) throws IOException {
    discardsWrites = true;
    if (reportsLostWrites) {
      throw e;
    }
    reset = !(e instanceof ClosedChannelException) && !BROKEN_PIPE.equals(e.getMessage());
    LOG.debug("A peer accepts nothing more: {}", e.toString());
  }

  private final class SourceConduit extends AbstractStreamSourceConduit<StreamSourceConduit> {
    SourceConduit(StreamSourceConduit next) {
      super(next);
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
      boolean closedFromHere = !ended && !socket.isOpen();
      int n = super.read(into);
      if (n < 0 && (reset || closedFromHere)) {
        throw new IOException("the connection broke before it ended");
      }
      ended |= n < 0;
      return n;
    }
  }

  private final class SinkConduit extends AbstractStreamSinkConduit<StreamSinkConduit> {
    SinkConduit(StreamSinkConduit next) {
      super(next);
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
      if (!discardsWrites) {
        try {
          return super.write(from);
        } catch (IOException e) {
          lost(e);
        }
      }
      int n = from.remaining();
      from.position(from.limit());
      return n;
    }

    @Override
    public long write(ByteBuffer[] from, int offset, int length) throws IOException {
      if (!discardsWrites) {
        try {
          return super.write(from, offset, length);
        } catch (IOException e) {
          lost(e);
        }
      }
      long n = 0;
      for (int i = offset; i < offset + length; i++) {
        n += write(from[i]);
      }
      return n;
    }

    @Override
    public boolean flush() throws IOException {
      try {
        return discardsWrites || super.flush();
      } catch (IOException e) {
        lost(e);
        return true;
      }
    }
  }
}
