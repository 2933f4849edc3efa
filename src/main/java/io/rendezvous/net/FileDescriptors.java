package io.rendezvous.net;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** How many connections the process has file descriptors for. */
public final class FileDescriptors {
  /** For the store, log files, classes still to be loaded, and whatever comes. */
  private static final long RESERVE = 64;

  private static final int WITHOUT_KNOWING = 10_000;
  private static final int MIN = 16;

  private FileDescriptors() {}

  /**
   * Returns how many connections there may be.
   *
   * @param wanted as set; 0 is as many as there can be
   * @param others how many descriptors are kept for other listeners
   */
  public static int limit(int wanted, int others) {
    int most = WITHOUT_KNOWING;
    if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system) {
      long left =
          system.getMaxFileDescriptorCount()
              - system.getOpenFileDescriptorCount()
              - RESERVE
              - others;
      most = (int) Math.max(MIN, Math.min(left, Integer.MAX_VALUE / 2));
    }
    return wanted == 0 ? most : Math.min(wanted, most);
  }
}
