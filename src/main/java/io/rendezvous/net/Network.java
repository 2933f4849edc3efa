package io.rendezvous.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.xnio.IoUtils;
import org.xnio.OptionMap;
import org.xnio.Options;
import org.xnio.StreamConnection;
import org.xnio.Xnio;
import org.xnio.XnioIoThread;
import org.xnio.XnioWorker;
import org.xnio.channels.AcceptingChannel;

/**
 * The I/O threads of one process, the threads for work that blocks, and the sockets on them. Any
 * thread may call it.
 */
public final class Network implements AutoCloseable {
  private static final int BACKLOG = 4096;
  private static final int WORKERS = 16;
  private static final int RESOLVERS = 4;
  private static final int RESOLVER_IDLES_S = 10;

  private final XnioWorker worker;
  private final ExecutorService tlsTasks;
  private final ExecutorService resolver;
  private final BufferPool buffers = new BufferPool(256);
  private final Map<Class<?>, AutoCloseable> shared = new ConcurrentHashMap<>();

  /**
   * Starts the threads.
   *
   * @param name what they are called
   * @param ioThreads how many are there for I/O; as many as processors is best
   */
  public Network(String name, int ioThreads) throws IOException {
    this.tlsTasks = Executors.newFixedThreadPool(ioThreads, named(name + "-tls-"));
    this.resolver = resolver(name + "-resolver-");
    this.worker =
        Xnio.getInstance()
            .createWorker(
                OptionMap.builder()
                    .set(Options.WORKER_NAME, name)
                    .set(Options.WORKER_IO_THREADS, ioThreads)
                    .set(Options.WORKER_TASK_CORE_THREADS, WORKERS)
                    .set(Options.WORKER_TASK_MAX_THREADS, WORKERS)
                    .set(Options.THREAD_DAEMON, true)
                    .getMap());
  }

  /** Runs a costly part of a TLS handshake, off the I/O threads. Any thread may call. */
  public void runTlsTask(Runnable task) {
    try {
      tlsTasks.execute(() -> untilTheEnd(task));
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  /** What a task has found out goes to an I/O thread, which may be gone. */
  private static void untilTheEnd(Runnable task) {
    try {
      task.run();
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  /** Returns threads for DNS: those for other work may all be blocked, by handlers for example. */
  private static ExecutorService resolver(String prefix) {
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            RESOLVERS,
            RESOLVERS,
            RESOLVER_IDLES_S,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            named(prefix));
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }

  private static ThreadFactory named(String prefix) {
    AtomicInteger number = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, prefix + number.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }

  /**
   * Returns what opens connections to one server.
   *
   * @param host its name or address; an IPv6 address without brackets
   * @param layer TLS, or null for plain TCP
   */
  public Dialer dialer(String host, int port, @Nullable Layer layer) {
    return new TcpDialer(worker, resolver, buffers, layer, new TcpDialer.Destination(host, port));
  }

  /**
   * Returns the one object of its type that belongs to this network: made when it is first asked
   * for, closed with the network.
   *
   * @param type of the object, which is also what tells it from others
   */
  public <T extends AutoCloseable> T shared(Class<T> type, Supplier<T> maker) {
    return type.cast(shared.computeIfAbsent(type, t -> maker.get()));
  }

  /** Runs a task that does not block, later, on one of the I/O threads. */
  public void after(Duration delay, Runnable task) {
    try {
      worker.getIoThread().executeAfter(task, delay.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  /** Runs a task that may block, later, on a thread for such. */
  public void afterMayBlock(Duration delay, Runnable task) {
    after(
        delay,
        () -> {
          try {
            worker.execute(task);
          } catch (RejectedExecutionException e) {
            // The process ends.
          }
        });
  }

  /**
   * Begins to measure how late the I/O threads do what is due.
   *
   * @param every how often, on each
   * @param listener hears of each measurement, on the thread that it is of
   */
  public EventLoopLag watchDelays(Duration every, EventLoopLag.Listener listener) {
    List<XnioIoThread> threads = new ArrayList<>();
    for (int i = 0; i < worker.getIoThreadCount(); i++) {
      threads.add(worker.getIoThread(i));
    }
    EventLoopLag delays = new EventLoopLag(threads, every, listener);
    delays.start();
    return delays;
  }

  /** Returns the threads for work that may block. */
  public Executor worker() {
    return task -> {
      try {
        worker.execute(task);
      } catch (RejectedExecutionException e) {
        // The process ends.
      }
    };
  }

  /** Returns the pool for bytes on their way from or to this network's connections. */
  public BufferPool buffers() {
    return buffers;
  }

  XnioWorker xnioWorker() {
    return worker;
  }

  /**
   * Listens.
   *
   * @param layer the TLS that connections await, or null for plain TCP
   * @param accepted takes each new connection over, on its I/O thread, before the TLS handshake
   * @throws IOException if the address is not to be had
   */
  public Listener listen(
      InetSocketAddress address,
      @Nullable Layer layer,
      Listener.Limits limits,
      Consumer<Conn> accepted)
      throws IOException {
    return listen(address, layer, new ConnectionLimiter(limits), accepted);
  }

  /**
   * Listens as one of several that share their limits. May block.
   *
   * @param layer the TLS that connections await, or null for plain TCP
   * @param connections theirs
   * @param accepted takes each new connection over, on its I/O thread, before the TLS handshake
   * @throws IOException if the address is not to be had
   */
  public Listener listen(
      InetSocketAddress address,
      @Nullable Layer layer,
      ConnectionLimiter connections,
      Consumer<Conn> accepted)
      throws IOException {
    Listener listener = new Listener(connections, layer, buffers, accepted);
    AcceptingChannel<StreamConnection> server =
        worker.createStreamConnectionServer(
            address,
            null,
            OptionMap.builder()
                .set(Options.BACKLOG, BACKLOG)
                .set(Options.TCP_NODELAY, true)
                .set(Options.KEEP_ALIVE, true)
                .set(Options.CONNECTION_HIGH_WATER, connections.limits().connections())
                .set(Options.CONNECTION_LOW_WATER, connections.limits().connections())
                .getMap());
    KeepAlive.keepAlive(server);
    listener.start(server);
    return listener;
  }

  @Override
  public void close() {
    worker.shutdownNow();
    tlsTasks.shutdownNow();
    resolver.shutdownNow();
    try {
      worker.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    shared.values().forEach(IoUtils::safeClose); // when no I/O thread uses them any more
  }
}
