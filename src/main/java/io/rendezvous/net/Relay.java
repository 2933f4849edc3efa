package io.rendezvous.net;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Moves octets both ways between two connections until both directions have ended.
 *
 * <p>It owns both from {@link #start} on. The two may live on two I/O threads; each is then touched
 * on its own only, and full buffers go from one thread to the other through a {@link Pump}. A few
 * buffers of each direction are on their way; reading stops until one is free again.
 *
 * <p>The end of one direction is passed on as an end, after everything before it was delivered, and
 * the other direction goes on. Where TLS 1.2 cannot do that, the end of one is the end of both. A
 * reset or an error on one side resets the other. A peer that takes no more may have sent its last
 * octets before: they are delivered first.
 */
public final class Relay {
  private enum State {
    RUNNING,
    /** The far end gave no answer, and the near connection went back to the owner. */
    UNANSWERED,
    OVER
  }

  /** How a relay has ended. */
  public enum End {
    /** Both directions have ended in order, everything delivered or no longer wanted. */
    WHOLE,
    /** The near connection broke. */
    NEAR_BROKE,
    /** The far connection broke. */
    FAR_BROKE,
    /** It stood still for too long. */
    STOOD_STILL,
    /** It was called off. */
    CALLED_OFF,
    /** It went on when the process ended. */
    CUT_OFF,
    /** The far connection ended before a single octet came from it. */
    UNANSWERED
  }

  /** What the far end may have got of what came from the near one. */
  public enum Sent {
    /** Not an octet. */
    NOTHING,
    /** The first octets, or some of them. */
    FIRST,
    /** More than the first octets was read, which is lost. */
    MORE
  }

  /** What the owner of a relay wants to know. Each is called at most once, on any I/O thread. */
  public interface Owner {
    /** The first octets were written to the far connection. */
    default void reached() {}

    /**
     * Returns whether the near connection goes back to the owner where the far one gives no answer.
     * Otherwise an end without an answer is passed on like any other.
     */
    default boolean takesBack() {
      return true;
    }

    /**
     * The far connection ended before a single octet came from it. It is closed; the near one is
     * the owner's again, and is called upon on its own thread.
     */
    void unanswered(Sent sent);

    /** The relay is over, and both connections are closed or about to be. */
    void over();
  }

  private final Conn near;
  private final Conn far;
  private final Owner owner;
  private final Pump up;
  private final Pump down;
  private final AtomicReference<State> state = new AtomicReference<>(State.RUNNING);
  private final AtomicInteger flowing = new AtomicInteger(2);
  private final boolean halfCloses;
  private boolean reached; // of the far connection's thread
  private volatile int firstOctets;
  private volatile @Nullable End end;

  /**
   * Creates a relay that stands still.
   *
   * @param near the connection that goes back to the owner when the far one gives no answer
   * @param far the other one
   */
  public Relay(Conn near, Conn far, Owner owner) {
    this.near = near;
    this.far = far;
    this.owner = owner;
    this.halfCloses = near.halfCloses() && far.halfCloses();
    this.up = new Pump(this, near, far);
    this.down = new Pump(this, far, near);
  }

  /**
   * Takes both connections over and begins. Called on the near connection's thread.
   *
   * @param first goes to the far end before anything that is read
   */
  public void start(ByteBuffer first) {
    firstOctets = first.remaining();
    up.put(first);
    start();
  }

  /**
   * Takes both connections over and begins, after both were told that they are joined: so the end
   * of the far one is an end like any other, whether or not an octet came from it. Called on the
   * near connection's thread.
   *
   * @param greeting goes to both ends before anything else
   * @param first goes to the far end then
   */
  public void start(ByteBuffer greeting, ByteBuffer first) {
    firstOctets = first.remaining();
    down.put(greeting.duplicate());
    up.put(BufferPool.joined(greeting, first));
    start();
  }

  private void start() {
    // Nothing may be written to the far end before its watch gave way to this relay's listeners.
    if (near.sharesThread(far)) {
      begin(far, down, up);
    } else {
      far.execute(() -> begin(far, down, up));
    }
    begin(near, up, down);
  }

  private void begin(Conn conn, Pump out, Pump in) {
    if (!isRunning()) {
      return;
    }
    if (!conn.isOpen()) { // it ended between being chosen and now
      broken(conn);
      return;
    }
    conn.noDeadline();
    conn.onReadable(out::read);
    conn.onWritable(in::write);
    reached |= conn == far;
    in.write();
    if (conn == far && isRunning()) {
      owner.reached();
    }
    out.read();
  }

  boolean isRunning() {
    return state.get() == State.RUNNING;
  }

  /** Returns how many octets came from the near connection, the first ones with them. */
  public long octetsUp() {
    return firstOctets + up.octets();
  }

  /** Returns how many octets came from the far connection. */
  public long octetsDown() {
    return down.octets();
  }

  /**
   * Ends the relay if it has stood still for too long. Any thread may call, from time to time.
   *
   * @param now {@link System#nanoTime}
   * @param linger how long one direction may be silent once the other has ended
   * @param stall how long a reader may refuse the octets that wait for it
   */
  public void check(long now, Duration linger, Duration stall) {
    if (up.isStalled(now, stall)
        || down.isStalled(now, stall)
        || up.isOver() && down.isSilent(now, up, linger)
        || down.isOver() && up.isSilent(now, down, linger)) {
      end(End.STOOD_STILL);
    }
  }

  /** Ends both connections now. Any thread may call. Without an answer yet, that is said. */
  public void end() {
    end(End.CALLED_OFF);
  }

  private void end(End how) {
    if (owner.takesBack()
        && !down.began()
        && state.compareAndSet(State.RUNNING, State.UNANSWERED)) {
      end = End.UNANSWERED;
      giveBack();
    } else {
      finish(how);
    }
  }

  /** Ends both connections now, since the process ends. Any thread may call. */
  void cutOff() {
    finish(End.CUT_OFF);
  }

  /** Returns how it has ended, once it has. */
  public Optional<End> ended() {
    return Optional.ofNullable(end);
  }

  /** The stream from the far end ended in order, but before it began. */
  boolean isUnanswered(Pump flow) {
    return owner.takesBack() && flow == down && !down.began();
  }

  /** A connection broke, or ended where that is as bad. */
  void broken(Conn conn) {
    if (conn == far) {
      end(End.FAR_BROKE);
    } else {
      finish(End.NEAR_BROKE);
    }
  }

  private void giveBack() {
    near.execute(near::suspendReads);
    far.execute(
        () -> {
          far.abort();
          Sent least = reached ? Sent.FIRST : Sent.NOTHING;
          near.execute(() -> giveBack(least)); // when nothing can reach the far end any more
        });
  }

  private void giveBack(Sent least) {
    near.onReadable(null);
    near.onWritable(null);
    near.suspendWrites();
    owner.unanswered(up.octets() > 0 ? Sent.MORE : least);
  }

  private void finish(End how) {
    if (state.compareAndSet(State.RUNNING, State.OVER)) {
      end = how;
      near.execute(() -> close(near, down, up));
      far.execute(() -> close(far, up, down));
      owner.over();
    }
  }

  /** Closes in order what was told its end, and with a reset what would wait for more. */
  private void close(Conn conn, Pump in, Pump out) {
    if (!in.isDelivered()) {
      conn.abort();
    } else if (out.sawEnd()) {
      conn.close();
    } else if (conn == near) { // its peer may still be sending what the far end does not want
      LingeringClose.end(conn);
    } else {
      LingeringClose.endSoon(conn);
    }
  }

  /** Returns the other direction. */
  Pump other(Pump flow) {
    return flow == up ? down : up;
  }

  /** The peer that a direction leads to takes no more. What it has sent is still delivered. */
  void onLost() {
    if (flowing.decrementAndGet() == 0) {
      finish(End.WHOLE);
    }
  }

  /** A direction has ended, and its end was passed on. */
  void onDelivered(Pump flow) {
    if (flowing.decrementAndGet() == 0) {
      finish(End.WHOLE);
    } else if (!halfCloses) {
      other(flow).endAfterFlush();
    }
  }
}
