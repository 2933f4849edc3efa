package io.rendezvous.net.unix;

import java.io.IOException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.xnio.IoUtils;
import org.xnio.XnioIoThread;

/**
 * Watches Unix-domain sockets, since the I/O threads of XNIO accept TCP sockets only. One thread
 * waits for all of them, and only reports to their I/O threads which are ready. It starts with the
 * first socket. Each network has one poller, which is closed with it. Any thread may call.
 */
final class UnixPoller implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(UnixPoller.class);

  /** A socket that is watched. */
  interface Watched {
    /** Returns the I/O thread of its connection. */
    XnioIoThread thread();

    /** Records what the socket is ready for, and makes its handlers due. */
    void onReady(SelectionKey ready, Turn turn);

    /** Handles that the poller has closed the socket. */
    void onAbandoned();
  }

  private volatile boolean closed;
  private @Nullable Selector selector; // guarded by this

  // Of the poller's thread.
  private final Map<XnioIoThread, Turn> turns = new HashMap<>();

  /** Registers a socket, with no interest at first. It is forgotten when the socket is closed. */
  SelectionKey register(SocketChannel socket, Watched watched) throws IOException {
    try {
      return socket.register(selector(), 0, watched);
    } catch (ClosedSelectorException e) {
      throw new IOException("the socket cannot be watched now", e);
    }
  }

  private synchronized Selector selector() throws IOException {
    if (closed) {
      throw new ClosedSelectorException();
    }
    if (selector == null) {
      Selector opened = Selector.open();
      Thread thread = new Thread(() -> run(opened), "unix-sockets");
      thread.setDaemon(true);
      thread.start();
      selector = opened;
    }
    return selector;
  }

  /** Wakes the thread, so that it notices changed interests and closed sockets. */
  synchronized void wakeup() {
    if (selector != null) {
      selector.wakeup();
    }
  }

  /** Ends the thread soon, which then closes the sockets that are left. */
  @Override
  public void close() {
    closed = true;
    wakeup();
  }

  private void run(Selector sockets) {
    try {
      while (!closed) {
        sockets.select(this::onReady);
        turns.values().forEach(Turn::begin);
      }
    } catch (IOException | RuntimeException | Error e) {
      LOG.error("The Unix-domain sockets are closed because of an error: {}", e.toString(), e);
    } finally {
      forget(sockets); // the next socket starts another selector
      sockets.keys().forEach(UnixPoller::abandon);
      IoUtils.safeClose(sockets);
    }
  }

  private synchronized void forget(Selector sockets) {
    if (selector == sockets) {
      selector = null;
    }
  }

  private void onReady(SelectionKey key) {
    try {
      Watched socket = (Watched) key.attachment();
      socket.onReady(key, turns.computeIfAbsent(socket.thread(), Turn::new));
    } catch (RuntimeException e) { // the other sockets are watched all the same
      LOG.error("A Unix-domain socket is closed because of an error: {}", e.toString(), e);
      abandon(key);
    }
  }

  private static void abandon(SelectionKey key) {
    IoUtils.safeClose(key.channel());
    ((Watched) key.attachment()).onAbandoned();
  }

  /**
   * The handlers that are due on one I/O thread. The thread is given the next ones only when it has
   * run all of these: it empties its queue of tasks before it looks at its TCP sockets, and busy
   * Unix-domain sockets would otherwise keep that queue filled.
   */
  final class Turn implements Runnable {
    private final XnioIoThread thread;

    // Guarded by this.
    private List<Runnable> ready = new ArrayList<>();
    private List<Runnable> spare = new ArrayList<>();
    private boolean running;

    private Turn(XnioIoThread thread) {
      this.thread = thread;
    }

    synchronized void add(Runnable task) {
      ready.add(task);
    }

    private void begin() {
      synchronized (this) {
        if (running || ready.isEmpty()) {
          return;
        }
        running = true;
      }
      try {
        thread.execute(this);
      } catch (RejectedExecutionException e) {
        // The process ends.
      }
    }

    @Override
    public void run() {
      List<Runnable> tasks;
      synchronized (this) {
        tasks = ready;
        ready = spare;
        spare = tasks;
      }
      for (Runnable task : tasks) {
        try {
          task.run();
        } catch (RuntimeException | Error e) { // the handlers of other sockets run all the same
          LOG.error("A listener of a Unix-domain socket failed: {}", e.toString(), e);
        }
      }
      tasks.clear();
      synchronized (this) {
        running = false;
      }
      wakeup();
    }
  }
}
