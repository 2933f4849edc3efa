package io.rendezvous.testing;

import java.io.IOException;
import java.net.BindException;
import java.net.ServerSocket;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Ports that nothing listens on. They lie below the range from which the system takes the ports of
 * outgoing connections and of listeners at port 0, so that no test that runs beside takes them.
 */
public final class FreePort {
  private static final int LOWEST = 12_000;
  private static final int COUNT = 20_000;
  private static final AtomicInteger CALLS =
      new AtomicInteger((int) (ProcessHandle.current().pid() * 97 % COUNT));

  private FreePort() {}

  /**
   * Returns a range of ports, written as {@code first-last}. No other call returns any of them,
   * until all have been returned once.
   */
  public static String range(int count) {
    int start = CALLS.getAndUpdate(next -> rangeFrom(next, count) + count);
    int first = LOWEST + rangeFrom(start, count) % COUNT;
    return first + "-" + (first + count - 1);
  }

  /** Returns where a range begins that does not reach beyond the highest port. */
  private static int rangeFrom(int next, int count) {
    return next % COUNT + count <= COUNT ? next : next + COUNT - next % COUNT;
  }

  /** Returns one, another at each call. */
  public static int find() throws IOException {
    for (int tried = 0; tried < COUNT; tried++) {
      int port = LOWEST + CALLS.getAndIncrement() % COUNT;
      try (ServerSocket free = new ServerSocket(port)) {
        return free.getLocalPort();
      } catch (BindException taken) {
        // The next one.
      }
    }
    throw new BindException("no port is free");
  }
}
