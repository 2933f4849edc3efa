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

  private volatile boolean closed;
  private @Nullable Selector selector; // guarded by this

  // Of the poller's thread.
  private final Map<XnioIoThread, Turn> turns = new HashMap<>();

  /** Registers a socket, with no interest at first. It is forgotten when the socket is closed. */
  SelectionKey register(SocketChannel socket, UnixReadiness readiness) throws IOException {
    try {
      return socket.register(selector(), 0, readiness);
    } catch (ClosedSelectorException e) {
      throw new IOException("the process ends", e);
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
    } catch (IOException e) {
      LOG.error("Unix-domain sockets cannot be watched any more", e);
    } finally {
      sockets.keys().forEach(key -> IoUtils.safeClose(key.channel()));
      IoUtils.safeClose(sockets);
    }
  }

  private void onReady(SelectionKey key) {
    UnixReadiness socket = (UnixReadiness) key.attachment();
    socket.onReady(key, turns.computeIfAbsent(socket.thread(), Turn::new));
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
        } catch (RuntimeException e) { // the handlers of other sockets run all the same
          LOG.error("A listener of a Unix-domain socket failed", e);
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
