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
 * Who waits for one Unix-domain socket to be ready: handlers, which run on the connection's I/O
 * thread again and again while they are resumed and the socket is ready, and threads that block.
 *
 * <p>The poller is asked for one event at a time. What was told is asked for again when the handler
 * has run; so a handler that leaves octets in the socket is called again, and one that takes its
 * time is not called twice. Any thread may call.
 */
final class UnixReadiness {
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
   * Begins to watch a socket.
   *
   * @param onReadable is run on the I/O thread
   * @param onWritable is run on the I/O thread
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

  XnioIoThread thread() {
    return thread;
  }

  /** Has a handler run whenever the socket is ready for what it does. */
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

  /** Has a handler run no more. An event that comes nevertheless is dropped. */
  synchronized void suspend(int op) {
    resumed &= ~op;
  }

  synchronized boolean isResumed(int op) {
    return (resumed & op) != 0;
  }

  /** Has a handler run soon, ready or not, and then whenever the socket is ready. */
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
   * Waits until the socket is ready, or somebody else was told that it is, or it is closed.
   *
   * @param nanos for how long at most, or 0 for ever
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

  /** Forgets the socket, which was closed. */
  void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    poller.wakeup();
  }

  /** Takes note of what the socket is ready for. Called by the poller. */
  synchronized void onReady(SelectionKey ready, UnixPoller.Turn turn) {
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
      // It is closed, and nothing happens any more.
    }
  }
}
