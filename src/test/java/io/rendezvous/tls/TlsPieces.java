package io.rendezvous.tls;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.xnio.StreamConnection;
import org.xnio.conduits.AbstractStreamSinkConduit;
import org.xnio.conduits.AbstractStreamSourceConduit;
import org.xnio.conduits.StreamSinkConduit;
import org.xnio.conduits.StreamSourceConduit;

/**
 * Cuts what is read from or written to a socket into pieces. After each piece the socket once seems
 * to have nothing to read, or no room.
 */
final class TlsPieces {
  /** Decides where to cut. */
  interface Knife {
    /** Returns how many octets come before the next cut: at least one. */
    int next(long position);
  }

  private TlsPieces() {}

  /** Cuts what is read. */
  static void cutReads(StreamConnection socket, Knife knife) {
    socket.getSourceChannel().setConduit(new Source(socket.getSourceChannel().getConduit(), knife));
  }

  /** Cuts what is written. */
  static void cutWrites(StreamConnection socket, Knife knife) {
    socket.getSinkChannel().setConduit(new Sink(socket.getSinkChannel().getConduit(), knife));
  }

  /** Cuts after each octet whose position has that remainder. */
  static Knife every(int modulus, int rest) {
    return position -> modulus - (int) ((position + modulus - rest) % modulus);
  }

  /** Cuts at random, into pieces of at most that many octets. */
  static Knife random(long seed, int max) {
    SplittableRandom random = new SplittableRandom(seed);
    return position -> 1 + random.nextInt(1 + random.nextInt(max));
  }

  private static final class Source extends AbstractStreamSourceConduit<StreamSourceConduit> {
    private final Knife knife;
    private long position;
    private int left;
    private boolean pause;

    Source(StreamSourceConduit next, Knife knife) {
      super(next);
      this.knife = knife;
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
      if (pause) {
        pause = false;
        return 0;
      }
      if (left == 0) {
        left = knife.next(position);
      }
      int limit = into.limit();
      into.limit(into.position() + Math.min(left, into.remaining()));
      int n;
      try {
        n = super.read(into);
      } finally {
        into.limit(limit);
      }
      if (n > 0) {
        position += n;
        left -= n;
        pause = left == 0;
      }
      return n;
    }
  }

  private static final class Sink extends AbstractStreamSinkConduit<StreamSinkConduit> {
    private final Knife knife;
    private long position;
    private int left;
    private boolean pause;

    Sink(StreamSinkConduit next, Knife knife) {
      super(next);
      this.knife = knife;
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
      if (pause) {
        pause = false;
        return 0;
      }
      if (left == 0) {
        left = knife.next(position);
      }
      int limit = from.limit();
      from.limit(from.position() + Math.min(left, from.remaining()));
      int n;
      try {
        n = super.write(from);
      } finally {
        from.limit(limit);
      }
      position += n;
      left -= n;
      pause = left == 0;
      return n;
    }
  }
}
