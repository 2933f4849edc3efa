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
 * Sits on a connection's socket, below TLS, and remembers two things that a TLS conduit keeps to
 * itself: that the TCP stream has ended, and that the peer takes no more.
 *
 * <p>What cannot be written is dropped here rather than reported as an error: a TLS conduit would
 * then close the connection, and with it throw away what the peer sent before it closed its end.
 * Whether the peer left in order or was reset, reading tells: but the kernel tells of a reset only
 * once, and if that was when writing, an end that is read afterwards is none.
 */
public final class SocketMonitor {
  private static final Logger LOG = LoggerFactory.getLogger(SocketMonitor.class);

  /** EPIPE: the peer's stream had ended in order before. In other words than C's it is a reset. */
  private static final String BROKEN_PIPE = "Broken pipe";

  private final StreamConnection socket;

  // These belong to the connection's I/O thread.
  private boolean ended;
  private boolean deaf;
  private boolean reset;
  private boolean strict;

  /** Watches a connection from now on. To be called before anything else sits on it. */
  public SocketMonitor(StreamConnection socket) {
    this.socket = socket;
    socket.getSourceChannel().setConduit(new SourceConduit(socket.getSourceChannel().getConduit()));
    socket.getSinkChannel().setConduit(new SinkConduit(socket.getSinkChannel().getConduit()));
  }

  /** Ends the TCP stream to the peer, without a word of TLS. What was written has left before. */
  void shutdownWrites() throws IOException {
    socket.getSinkChannel().getConduit().terminateWrites();
  }

  /** Returns whether the TCP stream has ended. */
  boolean hasEnded() {
    return ended;
  }

  /** Returns whether the peer takes no more. */
  boolean isDeaf() {
    return deaf;
  }

  /** Has lost writes reported as errors from now on, for an owner that does not ask. */
  void reportLostWrites() {
    strict = true;
  }

  private void lost(IOException e) throws IOException {
    deaf = true;
    if (strict) {
      throw e;
    }
    reset = !(e instanceof ClosedChannelException) && !BROKEN_PIPE.equals(e.getMessage());
    LOG.debug("A peer takes no more: {}", e.toString());
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
      if (!deaf) {
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
      if (!deaf) {
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
        return deaf || super.flush();
      } catch (IOException e) {
        lost(e);
        return true;
      }
    }
  }
}
