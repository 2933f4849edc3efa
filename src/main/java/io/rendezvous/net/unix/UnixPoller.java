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
 * Watches Unix-domain sockets, since XNIO's I/O threads take TCP sockets only. One thread waits for
 * all of them, and does nothing but tell their I/O threads that they are ready. It starts with the
 * first socket. Any thread may call.
 */
final class UnixPoller implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(UnixPoller.class);

  private volatile boolean closed;
  private @Nullable Selector selector; // guarded by this

  // The poller thread's own.
  private final Map<XnioIoThread, Turn> turns = new HashMap<>();

  /** Begins to watch a socket, at first for nothing. It is forgotten when it is closed. */
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

  /** Has the thread see what sockets are watched for now, and which of them are closed. */
  synchronized void wakeup() {
    if (selector != null) {
      selector.wakeup();
    }
  }

  /** Closes the sockets that are left, and ends the thread. */
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
   * What is ready on the sockets of one I/O thread. The thread is told of more only when it has
   * been through all of it: it empties its queue of tasks before it looks at its TCP sockets, and
   * busy Unix-domain sockets would else keep that queue filled.
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
        } catch (RuntimeException e) { // the others are no worse for it
          LOG.error("A listener failed", e);
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
