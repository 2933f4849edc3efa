package io.rendezvous.net.unix;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.xnio.Xnio;
import org.xnio.XnioIoThread;

/**
 * The readiness of one Unix-domain socket, and what waits for it: a read and a write handler, which
 * run on the connection's I/O thread again and again while they are resumed and the socket is
 * ready, and threads that block.
 *
 * <p>The poller reports an event once, and is asked for it again when the handler has run. A
 * handler that leaves bytes in the socket is thus called again, and one that takes its time is not
 * called twice. Any thread may call.
 */
final class UnixReadiness implements UnixPoller.Watched {
  private static final int READ = SelectionKey.OP_READ;
  private static final int WRITE = SelectionKey.OP_WRITE;

  private final XnioIoThread thread;
  private final UnixPoller poller;
  private final SelectionKey key;
  private final Runnable onReadable;
  private final Runnable onWritable;
  private final Runnable readTask;
  private final Runnable writeTask;

  // Guarded by this.
  private int resumed;
  private int asked;
  private boolean closed;

  /**
   * Registers a socket with the poller.
   *
   * @param onReadable runs on the I/O thread
   * @param onWritable runs on the I/O thread
   * @throws IOException if the socket is closed or the process ends
   */
  UnixReadiness(
      XnioIoThread thread,
      SocketChannel socket,
      UnixPoller poller,
      Runnable onReadable,
      Runnable onWritable)
      throws IOException {
    this.thread = thread;
    this.poller = poller;
    this.onReadable = onReadable;
    this.onWritable = onWritable;
    this.readTask = () -> runIfResumed(READ);
    this.writeTask = () -> runIfResumed(WRITE);
    this.key = poller.register(socket, this);
  }

  @Override
  public XnioIoThread thread() {
    return thread;
  }

  /** Resumes a handler: it runs whenever the socket is ready for it. */
  void resume(int op) {
    synchronized (this) {
      if ((resumed & op) != 0) {
        return;
      }
      resumed |= op;
      ask(op);
    }
    poller.wakeup();
  }

  /** Suspends a handler. An event that is on its way is discarded. */
  synchronized void suspend(int op) {
    resumed &= ~op;
  }

  synchronized boolean isResumed(int op) {
    return (resumed & op) != 0;
  }

  /** Resumes a handler, and runs it soon once whether or not the socket is ready. */
  void wakeup(int op) {
    synchronized (this) {
      resumed |= op;
    }
    try {
      thread.execute(
          () -> {
            run(op);
            poller.wakeup();
          });
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  /**
   * Waits until the socket is ready or closed, or has been reported to a handler as ready.
   *
   * @param nanos the longest time to wait, or 0 for no limit
   */
  void await(int op, long nanos) throws IOException {
    Xnio.checkBlockingAllowed();
    synchronized (this) {
      ask(op);
    }
    poller.wakeup();
    long until = System.nanoTime() + nanos;
    try {
      synchronized (this) {
        long left = nanos;
        while ((asked & op) != 0 && !closed && left >= 0) {
          TimeUnit.NANOSECONDS.timedWait(this, nanos == 0 ? Long.MAX_VALUE : Math.max(left, 1));
          left = nanos == 0 ? 0 : until - System.nanoTime();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException();
    }
  }

  /** Handles that the socket was closed: frees the threads that wait. */
  void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    poller.wakeup();
  }

  @Override
  public synchronized void onReady(SelectionKey ready, UnixPoller.Turn turn) {
    int ops;
    try {
      ops = ready.readyOps() & asked;
      asked &= ~ops;
      ready.interestOps(asked);
    } catch (CancelledKeyException e) { // it is being closed
      return;
    }
    notifyAll();
    if ((ops & resumed & READ) != 0) {
      turn.add(readTask);
    }
    if ((ops & resumed & WRITE) != 0) {
      turn.add(writeTask);
    }
  }

  /** Runs the reading handler, which notices that the socket is closed. */
  @Override
  public void onAbandoned() {
    wakeup(READ);
  }

  private void runIfResumed(int op) {
    if (isResumed(op)) {
      run(op);
    }
  }

  private void run(int op) {
    try {
      (op == READ ? onReadable : onWritable).run();
    } finally {
      synchronized (this) {
        ask(resumed & op);
      }
    }
  }

  private void ask(int op) { // guarded by this
    if ((asked & op) == op) {
      return;
    }
    asked |= op;
    try {
      key.interestOps(asked);
    } catch (CancelledKeyException e) {
      // The socket is closed.
    }
  }
}
