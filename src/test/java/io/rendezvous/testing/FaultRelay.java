package io.rendezvous.testing;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;

/** A network path to a port of this machine, which can fail. */
public final class FaultRelay implements Closeable {
  private final int target;
  private final int port;
  private final Queue<Socket> sockets = new ConcurrentLinkedQueue<>();
  private final Queue<AtomicBoolean> swallowing = new ConcurrentLinkedQueue<>();
  private volatile ServerSocket listening;

  /** Opens a path. */
  public FaultRelay(int target) throws IOException {
    this.target = target;
    this.listening = listen(0);
    this.port = listening.getLocalPort();
  }

  /** Returns the port at its near end. */
  public int port() {
    return port;
  }

  private ServerSocket listen(int at) throws IOException {
    ServerSocket server = new ServerSocket();
    server.setReuseAddress(true);
    server.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), at), 100);
    Thread acceptor = new Thread(() -> accept(server), "test-fault-relay");
    acceptor.setDaemon(true);
    acceptor.start();
    return server;
  }

  private void accept(ServerSocket server) {
    try {
      while (true) {
        Socket near = server.accept();
        Socket far = new Socket("127.0.0.1", target);
        sockets.add(near);
        sockets.add(far);
        AtomicBoolean swallows = new AtomicBoolean();
        swallowing.add(swallows);
        pump(near, far, swallows);
        pump(far, near, swallows);
      }
    } catch (IOException e) {
      // It was cut.
    }
  }

  private static void pump(Socket from, Socket to, AtomicBoolean swallows) {
    Thread thread =
        new Thread(
            () -> {
              try {
                byte[] buffer = new byte[16 * 1024];
                for (int n; (n = from.getInputStream().read(buffer)) >= 0; ) {
                  if (!swallows.get()) {
                    to.getOutputStream().write(buffer, 0, n);
                  }
                }
                if (!swallows.get()) {
                  to.shutdownOutput();
                }
              } catch (IOException e) {
                reset(from);
                if (!swallows.get()) {
                  reset(to);
                }
              }
            },
            "test-fault-relay");
    thread.setDaemon(true);
    thread.start();
  }

  private static void reset(Socket socket) {
    try {
      socket.setSoLinger(true, 0);
      socket.close();
    } catch (IOException e) {
      // It is closed already.
    }
  }

  /** Resets all connections, and refuses new ones. */
  public void cut() throws IOException {
    listening.close();
    for (Socket socket; (socket = sockets.poll()) != null; ) {
      reset(socket);
    }
  }

  /** Resets one connection, whichever; returns whether there was one. */
  public boolean cutOne() {
    List<Socket> alive = sockets.stream().filter(socket -> !socket.isClosed()).toList();
    if (alive.isEmpty()) {
      return false;
    }
    reset(alive.get(ThreadLocalRandom.current().nextInt(alive.size())));
    return true;
  }

  /** Takes what comes on the connections there are, and passes nothing on, from now on. */
  public void swallow() {
    swallowing.forEach(swallows -> swallows.set(true));
  }

  /** Takes new connections again. */
  public void restore() throws IOException {
    listening = listen(port);
  }

  @Override
  public void close() throws IOException {
    cut();
  }
}
