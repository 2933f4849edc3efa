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
 * The threads that connections live on, and the listeners and dialers that create connections
 * there. There are I/O threads, on which nothing may block; workers, for tasks that may block;
 * threads for the costly parts of TLS handshakes; and resolvers, for DNS. Any thread may call.
 *
 * <p>Closing a network ends its threads and closes its sockets. Tasks that are given to it
 * afterwards never run.
 */
public final class Network implements AutoCloseable {
  private static final int BACKLOG = 4096;
  private static final int WORKERS = 16;
  private static final int RESOLVERS = 4;
  private static final int RESOLVER_IDLE_S = 10;
  private static final int MAX_IDLE_BUFFERS = 256;

  private final XnioWorker worker;
  private final ExecutorService tlsTasks;
  private final ExecutorService resolver;
  private final BufferPool buffers = new BufferPool(MAX_IDLE_BUFFERS);
  private final Map<Class<?>, AutoCloseable> shared = new ConcurrentHashMap<>();

  /**
   * Starts the threads.
   *
   * @param name begins the names of the threads
   * @param ioThreads number of I/O threads, and of threads for TLS: best one for each processor
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

  /** Runs a costly part of a TLS handshake soon, on a thread for that. */
  public void runTlsTask(Runnable task) {
    try {
      tlsTasks.execute(() -> runUnlessClosed(task));
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  /** Runs a task, and ignores that its result cannot be posted once the I/O threads have ended. */
  private static void runUnlessClosed(Runnable task) {
    try {
      task.run();
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  /** Returns threads for DNS alone: the workers may all be blocked, for example by handlers. */
  private static ExecutorService resolver(String prefix) {
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            RESOLVERS,
            RESOLVERS,
            RESOLVER_IDLE_S,
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
   * Returns a dialer to one server.
   *
   * @param host a name or an address; an IPv6 address without brackets
   * @param layer TLS, or null for plain TCP
   */
  public Dialer dialer(String host, int port, @Nullable Layer layer) {
    return new TcpDialer(worker, resolver, buffers, layer, new TcpDialer.Destination(host, port));
  }

  /**
   * Returns the one object of a type that belongs to this network. It is created at the first call
   * and closed with the network, when no I/O thread uses it any more.
   */
  public <T extends AutoCloseable> T shared(Class<T> type, Supplier<T> maker) {
    return type.cast(shared.computeIfAbsent(type, t -> maker.get()));
  }

  /** Runs a task, which must not block, on an I/O thread after a delay. */
  public void after(Duration delay, Runnable task) {
    after(worker.getIoThread(), delay, task);
  }

  static void after(XnioIoThread thread, Duration delay, Runnable task) {
    try {
      thread.executeAfter(task, delay.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  /** Runs a task, which may block, on a worker after a delay. */
  public void afterOnWorker(Duration delay, Runnable task) {
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
   * Runs a task, which must not block, on an I/O thread again and again, first after an interval.
   *
   * @param name what the task does, for the log
   */
  public Recurring every(Duration interval, String name, Runnable task) {
    return new Recurring(this::after, interval, interval, name, task);
  }

  /**
   * Runs a task, which may block, on a worker again and again, first after an interval.
   *
   * @param name what the task does, for the log
   */
  public Recurring everyOnWorker(Duration interval, String name, Runnable task) {
    return new Recurring(this::afterOnWorker, interval, interval, name, task);
  }

  /**
   * Starts to measure how late the I/O threads run their tasks.
   *
   * @param every the interval of the measurements, on each thread
   * @param listener receives each measurement, on the thread that was measured
   */
  public EventLoopLag measureLag(Duration every, EventLoopLag.Listener listener) {
    List<XnioIoThread> threads = new ArrayList<>();
    for (int i = 0; i < worker.getIoThreadCount(); i++) {
      threads.add(worker.getIoThread(i));
    }
    EventLoopLag lag = new EventLoopLag(threads, every, listener);
    lag.start();
    return lag;
  }

  /** Returns the workers: an executor for tasks that may block. */
  public Executor worker() {
    return task -> {
      try {
        worker.execute(task);
      } catch (RejectedExecutionException e) {
        // The process ends.
      }
    };
  }

  /** Returns the pool for bytes that are read from or written to this network's connections. */
  public BufferPool buffers() {
    return buffers;
  }

  XnioWorker xnioWorker() {
    return worker;
  }

  /**
   * Listens at an address. May block.
   *
   * @param layer the TLS that connections await, or null for plain TCP
   * @param accepted takes each new connection over, on its I/O thread, before the TLS handshake
   * @throws IOException if the address is not available
   */
  public Listener listen(
      InetSocketAddress address,
      @Nullable Layer layer,
      Listener.Limits limits,
      Consumer<Conn> accepted)
      throws IOException {
    ConnectionLimiter limiter = new ConnectionLimiter(limits);
    return listen(address, layer, new ConnectionGroup(limiter), accepted);
  }

  /**
   * Listens at an address, as one of several listeners that share their limits. May block.
   *
   * @param layer the TLS that connections await, or null for plain TCP
   * @param connections the group that the connections join
   * @param accepted takes each new connection over, on its I/O thread, before the TLS handshake
   * @throws IOException if the address is not available
   */
  public Listener listen(
      InetSocketAddress address,
      @Nullable Layer layer,
      ConnectionGroup connections,
      Consumer<Conn> accepted)
      throws IOException {
    // The limiter decides. XNIO pauses only while the I/O threads are behind with what it accepted.
    int highWater = connections.limiter().limits().connections() + 2 * ConnectionLimiter.SLACK;
    Listener listener = new Listener(connections, layer, buffers, accepted);
    AcceptingChannel<StreamConnection> server =
        worker.createStreamConnectionServer(
            address,
            null,
            OptionMap.builder()
                .set(Options.BACKLOG, BACKLOG)
                .set(Options.TCP_NODELAY, true)
                .set(Options.KEEP_ALIVE, true)
                .set(Options.CONNECTION_HIGH_WATER, highWater)
                .set(Options.CONNECTION_LOW_WATER, highWater)
                .getMap());
    KeepAlive.configure(server);
    listener.start(server);
    return listener;
  }

  /** Ends the threads and closes the sockets. Waits up to 5 s for the I/O threads. */
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
