package io.rendezvous.net;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** The file descriptors of the process, which limit how many connections it can have. */
public final class FileDescriptors {
  /**
   * Descriptors that are kept for the store, log files, classes that are loaded later, and so on.
   */
  private static final long RESERVE = 64;

  /** Maximum of connections if the system does not report its number of descriptors. */
  private static final int DEFAULT = 10_000;

  /** Maximum of connections if fewer descriptors than that are left. */
  private static final int MIN = 16;

  private FileDescriptors() {}

  /**
   * Returns how many connections the process may have.
   *
   * @param wanted maximum that the settings ask for, or 0 for as many as possible
   * @param others descriptors that are kept for other listeners
   */
  public static int limit(int wanted, int others) {
    int max = DEFAULT;
    if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system) {
      long left =
          system.getMaxFileDescriptorCount()
              - system.getOpenFileDescriptorCount()
              - RESERVE
              - others;
      max = (int) Math.max(MIN, Math.min(left, Integer.MAX_VALUE / 2));
    }
    return wanted == 0 ? max : Math.min(wanted, max);
  }
}
