package io.rendezvous.net;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/**
 * The number of connections that the process can have. Each connection needs a file descriptor, and
 * memory. Immutable.
 */
public final class ConnectionCapacity {
  /** What decides on the number of connections. */
  public enum Decider {
    /** The settings. */
    SETTING,
    /** The file descriptors of the process. */
    DESCRIPTORS,
    /** The heap. */
    HEAP
  }

  /**
   * The heap for each connection. A stranger's connection can hold up to 40 KB, that of a client
   * that does not read 160 KB, a parked tunnel 6 KB.
   */
  private static final long HEAP_EACH = 64 * 1024;

  /**
   * Descriptors that are kept for the store, log files, classes that are loaded later, and so on.
   */
  private static final long RESERVE = 64;

  /** Maximum of connections if the system does not report its number of descriptors. */
  private static final int DEFAULT = 10_000;

  /** Maximum of connections if there are descriptors or memory for fewer. */
  private static final int MIN = 16;

  private final int connections;
  private final Decider decider;

  private ConnectionCapacity(int connections, Decider decider) {
    this.connections = connections;
    this.decider = decider;
  }

  /**
   * Returns the capacity of this process.
   *
   * @param wanted maximum that the settings ask for, or 0 for as many as there is room for
   * @param others descriptors that are kept for other listeners
   */
  public static ConnectionCapacity of(int wanted, int others) {
    return of(wanted, descriptors(others), Runtime.getRuntime().maxMemory());
  }

  /**
   * Returns the capacity of a process.
   *
   * @param descriptors number of file descriptors for connections
   * @param heap maximum of the heap, in bytes
   */
  static ConnectionCapacity of(int wanted, int descriptors, long heap) {
    if (wanted > 0 && wanted <= descriptors) {
      return new ConnectionCapacity(wanted, Decider.SETTING);
    }
    long byHeap = Math.max(MIN, heap / HEAP_EACH);
    return wanted == 0 && byHeap < descriptors
        ? new ConnectionCapacity((int) byHeap, Decider.HEAP)
        : new ConnectionCapacity(descriptors, Decider.DESCRIPTORS);
  }

  private static int descriptors(int others) {
    if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system) {
      long left =
          system.getMaxFileDescriptorCount()
              - system.getOpenFileDescriptorCount()
              - RESERVE
              - others;
      return (int) Math.max(MIN, Math.min(left, Integer.MAX_VALUE / 2));
    }
    return DEFAULT;
  }

  /** Returns the maximum number of connections. */
  public int connections() {
    return connections;
  }

  /** Returns what has decided on the maximum. */
  public Decider decider() {
    return decider;
  }
}
