package io.rendezvous.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves bytes both ways between two connections until both directions have ended.
 *
 * <pre>
 *           start                  both directions ended; a connection broke;
 *   new -----------> RUNNING ------ stood still; called off; cut off ----------> OVER
 *                       |
 *                       +-- the far connection ended or broke, or the relay was
 *                           ended, before a byte came from it, and the owner
 *                           takes the near connection back ----------------> UNANSWERED
 *
 *   RUNNING      the relay owns both connections; a {@link Pump} moves each direction
 *   UNANSWERED   far: reset          near: is the owner's again    {@link Owner#unanswered}
 *   OVER         far, near: closed, each in order if it was sent   {@link Owner#over}
 *                its end, otherwise with a reset
 * </pre>
 *
 * <p>Both last states are final: whoever sets the state first has decided. UNANSWERED is decided on
 * the thread of the far connection only, since a first byte may just be on its way there; any
 * thread may decide on OVER. What follows for a connection is done on the connection's own I/O
 * thread.
 *
 * <p>The relay owns both connections from {@link #start} on. The two may be on two I/O threads.
 * Each is used on its own only, and full buffers are handed from one thread to the other. At most
 * two buffers of each direction are on their way; reading stops until one is free again.
 *
 * <p>The end of one direction is passed on as an end, after everything before it was delivered, and
 * the other direction goes on. TLS 1.2 cannot do that; over it the end of one direction is the end
 * of both. A reset or an error of one connection resets the other. A peer that accepts nothing more
 * may have sent its last bytes before: they are delivered first.
 */
public final class Relay {
  private static final Logger LOG = LoggerFactory.getLogger(Relay.class);

  private enum State {
    RUNNING,
    UNANSWERED,
    OVER
  }

  /** The reason why a relay has ended. */
  public enum End {
    /** Both directions ended in order, and everything was delivered or no longer accepted. */
    WHOLE,
    /** The near connection broke. */
    NEAR_BROKE,
    /** The far connection broke. */
    FAR_BROKE,
    /** Nothing moved for too long. */
    STOOD_STILL,
    /** {@link Relay#end} was called. */
    CALLED_OFF,
    /** The process ended. */
    CUT_OFF,
    /** The far connection ended before a byte came from it. */
    UNANSWERED
  }

  /** The bytes that a far end may have received before it ended without an answer. */
  public enum Sent {
    /** Nothing. */
    NOTHING,
    /** Some or all of the first bytes, and nothing after them. */
    FIRST,
    /** Bytes that were read from the near connection after the first ones; they are lost. */
    MORE
  }

  /**
   * Receives what happens to a relay. Each method but {@link #takesBack} is called at most once.
   */
  public interface Owner {
    /** Handles that the far connection was given the first bytes. Called on its thread. */
    default void reached() {}

    /**
     * Receives the first bytes that came from the far connection, before they are passed on. Called
     * on its thread. The buffer is to be left as it is, and not kept.
     */
    default void answered(ByteBuffer first) {}

    /**
     * Returns whether the owner takes the near connection back if the far one gives no answer.
     * Otherwise an end without an answer is passed on like any other. Called on any thread, always
     * with the same result.
     */
    default boolean takesBack() {
      return true;
    }

    /**
     * Takes the near connection back: the far one ended before a byte came from it, and is closed.
     * Called on the near connection's thread.
     */
    void unanswered(Sent sent);

    /** Handles that the relay is over. The relay closes both connections. Called on any thread. */
    void over();
  }

  /**
   * Follows the bytes of a relay, and decides what of them is passed on. It may use the pumps as
   * {@link Pump.Owner#filter} may: one of them moves up, from the near to the far connection, and
   * the other one down.
   */
  public interface Filter {
    /** Returns what is passed on of bytes that came from the near connection, on its thread. */
    ByteBuffer up(ByteBuffer read, Pump up, Pump down);

    /** Returns what is passed on of bytes that came from the far connection, on its thread. */
    ByteBuffer down(ByteBuffer read, Pump up, Pump down);

    /**
     * Returns whether the far end cannot be followed any more, so that the relay ends once what is
     * passed on of it is delivered. Any thread may call.
     */
    boolean hasLostFar();
  }

  private final Conn near;
  private final Conn far;
  private final Owner owner;
  private final @Nullable Filter filter;
  private final Pump up;
  private final Pump down;
  private final AtomicReference<State> state = new AtomicReference<>(State.RUNNING);
  private final AtomicInteger openDirections = new AtomicInteger(2);
  private final boolean halfCloses;
  private boolean reached; // on the far connection's thread
  private volatile int firstBytes;
  private volatile @Nullable End end;

  /**
   * Creates a relay that has not started.
   *
   * @param near the connection that may go back to the owner
   * @param far the connection whose answer is awaited
   */
  public Relay(Conn near, Conn far, Owner owner) {
    this(near, far, owner, null);
  }

  /**
   * Creates a relay that has not started.
   *
   * @param filter decides what is passed on; null for all
   */
  public Relay(Conn near, Conn far, Owner owner, @Nullable Filter filter) {
    this.near = near;
    this.far = far;
    this.owner = owner;
    this.filter = filter;
    this.halfCloses = near.halfCloses() && far.halfCloses();
    Pump.Owner pumpOwner = new PumpOwner();
    this.up = new Pump(pumpOwner, near, far);
    this.down = new Pump(pumpOwner, far, near);
  }

  /**
   * Takes both connections over and begins. Called on the near connection's thread.
   *
   * @param first is sent to the far end before anything that is read
   */
  public void start(ByteBuffer first) {
    firstBytes = first.remaining();
    up.put(first);
    startBoth(null);
  }

  /**
   * Takes both connections over and begins. Called on the near connection's thread.
   *
   * @param first is sent to the far end before anything that is read, and is not filtered
   * @param following was read from the near connection after it, and is filtered
   */
  public void startFiltered(ByteBuffer first, ByteBuffer following) {
    firstBytes = first.remaining() + following.remaining();
    try {
      up.begin(first, following);
    } catch (IOException e) {
      broken(near, e);
      return;
    }
    startBoth(null);
  }

  /**
   * Takes both connections over and begins by telling both ends that they are joined. The greeting
   * counts as an answer: the end of the far connection is from then on an end like any other. If
   * the relay is ended before that, neither end is greeted. Called on the near connection's thread.
   *
   * @param greeting is sent to both ends before anything else
   * @param first is sent to the far end after the greeting
   */
  public void start(ByteBuffer greeting, ByteBuffer first) {
    firstBytes = first.remaining();
    up.put(BufferPool.joined(greeting.duplicate(), first));
    startBoth(greeting);
  }

  /**
   * Takes both connections over once they have agreed to be joined, in the middle of an answer.
   * Called on the near connection's thread.
   *
   * @param toFar is sent to the far end before anything that is read
   * @param toNear is sent to the near end before anything that is read
   */
  public void resume(ByteBuffer toFar, ByteBuffer toNear) {
    firstBytes = toFar.remaining();
    up.put(toFar);
    startBoth(toNear);
  }

  private void startBoth(@Nullable ByteBuffer toNear) {
    // Nothing may be written to the far end before this relay's listeners are set on it.
    if (near.sharesThread(far)) {
      beginFar(toNear);
    } else {
      far.execute(() -> beginFar(toNear));
    }
    begin(near, up, down);
  }

  /** Begins with the far connection, on its thread, which also decides on {@link State}. */
  private void beginFar(@Nullable ByteBuffer toNear) {
    if (toNear != null && isRunning()) {
      down.greet(toNear);
    }
    begin(far, down, up);
  }

  private void begin(Conn conn, Pump from, Pump to) {
    if (!isRunning()) {
      return;
    }
    if (!conn.isOpen()) { // it ended after it was chosen
      broken(conn, null);
      return;
    }
    try {
      doBegin(conn, from, to);
    } catch (RuntimeException e) {
      broken(conn, e);
    }
  }

  private void doBegin(Conn conn, Pump from, Pump to) {
    conn.clearDeadline();
    conn.onReadable(from::read);
    conn.onWritable(to::write);
    reached |= conn == far;
    to.write();
    if (conn == far && isRunning()) {
      owner.reached();
    }
    from.read();
  }

  boolean isRunning() {
    return state.get() == State.RUNNING;
  }

  /** Returns how many bytes came from the near connection, with the first ones. Any thread. */
  public long bytesUp() {
    return firstBytes + up.bytes();
  }

  /** Returns how many bytes came from the far connection. Any thread may call. */
  public long bytesDown() {
    return down.bytes();
  }

  /**
   * Ends the relay if it has stood still for too long. To be called periodically, on any thread.
   *
   * @param now the time of {@link System#nanoTime}
   * @param linger how long one direction may be silent once the other has ended
   * @param stall how long a peer may leave bytes unread that wait for it
   */
  void check(long now, Duration linger, Duration stall) {
    if (up.isStalled(now, stall)
        || down.isStalled(now, stall)
        || up.isDone() && down.isSilent(now, up, linger)
        || down.isDone() && up.isSilent(now, down, linger)) {
      end(End.STOOD_STILL);
    }
  }

  /**
   * Ends the relay now. If no answer has come yet, the near connection goes back to the owner.
   * Otherwise both connections are closed. Any thread may call.
   */
  public void end() {
    end(End.CALLED_OFF);
  }

  private void end(End how) {
    if (owner.takesBack()) {
      far.execute(() -> endOnFarThread(how));
    } else {
      finish(how);
    }
  }

  private void endOnFarThread(End how) {
    if (owner.takesBack()
        && !down.began()
        && state.compareAndSet(State.RUNNING, State.UNANSWERED)) {
      end = End.UNANSWERED;
      giveBack();
    } else {
      finish(how);
    }
  }

  /**
   * Ends the relay now because of an error of this program: both connections are closed, and the
   * error is logged. Any thread may call.
   */
  public void fail(RuntimeException error) {
    broken(near, error);
  }

  /** Ends the relay now because the process ends. Any thread may call. */
  void cutOff() {
    finish(End.CUT_OFF);
  }

  /** Returns how the relay has ended, if it has. Any thread may call. */
  public Optional<End> ended() {
    return Optional.ofNullable(end);
  }

  /**
   * Handles that a connection broke, or that the far one ended without an answer. Called on its
   * thread.
   *
   * @param why what was thrown, or null; it is logged if it is an error of this program
   */
  private void broken(Conn conn, @Nullable Exception why) {
    if (why instanceof RuntimeException) {
      LOG.error(
          "{}: its relay ends because of an error of this program: {}", conn, why.toString(), why);
    }
    if (conn == far) {
      endOnFarThread(End.FAR_BROKE);
    } else {
      finish(End.NEAR_BROKE);
    }
  }

  private void giveBack() {
    near.execute(near::suspendReads);
    far.execute(
        () -> {
          far.abort();
          Sent first = reached ? Sent.FIRST : Sent.NOTHING;
          near.execute(() -> giveBack(first)); // once nothing can reach the far end any more
        });
  }

  private void giveBack(Sent first) {
    near.onReadable(null);
    near.onWritable(null);
    near.suspendWrites();
    owner.unanswered(up.bytes() > 0 ? Sent.MORE : first);
  }

  private void finish(End how) {
    if (state.compareAndSet(State.RUNNING, State.OVER)) {
      end = how;
      near.execute(() -> close(near, up, down));
      far.execute(() -> close(far, down, up));
      owner.over();
    }
  }

  /** Closes a connection: in order if its peer was sent the end, otherwise with a reset. */
  private void close(Conn conn, Pump from, Pump to) {
    if (!to.isDelivered()) {
      conn.abort();
    } else if (from.sawEnd()) {
      conn.close();
    } else if (conn == near) { // its peer may still send what the far end does not accept
      LingeringClose.end(conn);
    } else {
      LingeringClose.endSoon(conn);
    }
  }

  /** Follows both pumps. */
  private final class PumpOwner implements Pump.Owner {
    @Override
    public boolean isRunning() {
      return Relay.this.isRunning();
    }

    @Override
    public @Nullable ByteBuffer filter(Pump pump, ByteBuffer read) {
      if (pump == down && !pump.began()) {
        owner.answered(read);
      }
      if (filter == null) {
        return read;
      }
      return pump == up ? filter.up(read, up, down) : filter.down(read, up, down);
    }

    @Override
    public boolean toleratesLoss(Pump pump) {
      // TLS 1.2 ends both directions at once, perhaps before what came ahead was passed on.
      return other(pump).sawEnd();
    }

    @Override
    public void broken(Conn conn, Exception why) {
      Relay.this.broken(conn, why);
    }

    @Override
    public void ended(Pump pump) {
      if (owner.takesBack() && pump == down && !down.began()) {
        Relay.this.broken(far, null);
      } else {
        pump.end();
      }
    }

    @Override
    public void lost(Pump pump) {
      over();
    }

    @Override
    public void delivered(Pump pump) {
      if (filter != null && filter.hasLostFar() && pump == down) {
        finish(End.FAR_BROKE);
      } else if (!over() && !halfCloses && pump.sawEnd()) {
        other(pump).endAfterFlush();
      }
    }

    private boolean over() {
      boolean both = openDirections.decrementAndGet() == 0;
      if (both) {
        finish(End.WHOLE);
      }
      return both;
    }

    private Pump other(Pump pump) {
      return pump == up ? down : up;
    }
  }
}
