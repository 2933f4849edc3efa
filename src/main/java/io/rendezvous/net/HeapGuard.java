package io.rendezvous.net;

import com.sun.management.GarbageCollectionNotificationInfo;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import javax.management.ListenerNotFoundException;
import javax.management.Notification;
import javax.management.NotificationEmitter;
import javax.management.NotificationListener;
import javax.management.openmbean.CompositeData;

/**
 * Keeps connections that are neither parked nor paired from filling the heap. There may be as many
 * as half of the heap has room for. After each garbage collection there may be as many more as 80 %
 * of the heap has room for. After a collection that leaves more than 85 % in use, the oldest of
 * them are closed, and again after later collections until less is in use.
 *
 * <p>A collection of young objects leaves old garbage in place. If one leaves too much in use, a
 * full collection tells how much is needed. It is asked for only where connections could be closed
 * to some effect, and at most every 2 s.
 *
 * <p>Runs on the JVM's thread for notifications.
 */
public final class HeapGuard implements AutoCloseable {
  /** The share of the heap that may be in use after a collection before connections are closed. */
  private static final double MAX_USE = 0.85;

  /** The share up to which more connections may come, by estimate. */
  private static final double MAX_GROWTH = 0.80;

  /** The share down to which connections are closed, by estimate. */
  private static final double AIM = 0.65;

  /** What an unidentified connection is taken to hold, in bytes. */
  private static final long BYTES_EACH = 32 * 1024;

  private static final int MIN_BATCH = 16;

  /** The share of the heap that unidentified connections may have, whatever the others need. */
  private static final double MIN_SHARE = 0.02;

  /** The share that they may have at most, if each holds what it can. */
  private static final double MAX_SHARE = 0.5;

  private static final long COLLECT_EVERY = Duration.ofSeconds(2).toNanos();

  /** Collections after which all garbage is gone, as the collectors name them. */
  private static final Set<String> FULL = Set.of("end of major GC", "end of GC cycle");

  private final ConnectionLimiter connections;
  private final long max;
  private final Runnable collect;
  private final LongSupplier ticker;
  private final NotificationListener listener = this::onNotification;
  private final Set<String> heapPools =
      ManagementFactory.getMemoryPoolMXBeans().stream()
          .filter(pool -> pool.getType() == MemoryType.HEAP)
          .map(MemoryPoolMXBean::getName)
          .collect(Collectors.toUnmodifiableSet());
  private long collectedAt; // used on the thread for notifications only

  /** Begins to guard the heap of this process. */
  public HeapGuard(ConnectionLimiter connections) {
    this(connections, Runtime.getRuntime().maxMemory(), System::gc, System::nanoTime);
    for (NotificationEmitter collector : collectors()) {
      collector.addNotificationListener(listener, null, null);
    }
  }

  /**
   * Creates a guard that has to be told of collections.
   *
   * @param max maximum of the heap, in bytes
   * @param collect collects all garbage
   * @param ticker tells nanoseconds, as {@link System#nanoTime} does
   */
  HeapGuard(ConnectionLimiter connections, long max, Runnable collect, LongSupplier ticker) {
    this.connections = connections;
    this.max = max;
    this.collect = collect;
    this.ticker = ticker;
    this.collectedAt = ticker.getAsLong() - COLLECT_EVERY;
    connections.setMaxUnidentified(count(share(MAX_SHARE)));
  }

  private static List<NotificationEmitter> collectors() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .filter(NotificationEmitter.class::isInstance)
        .map(NotificationEmitter.class::cast)
        .toList();
  }

  private void onNotification(Notification notification, Object handback) {
    if (notification.getUserData() instanceof CompositeData data
        && notification
            .getType()
            .equals(GarbageCollectionNotificationInfo.GARBAGE_COLLECTION_NOTIFICATION)) {
      GarbageCollectionNotificationInfo info = GarbageCollectionNotificationInfo.from(data);
      onCollected(
          used(info.getGcInfo().getMemoryUsageAfterGc()), FULL.contains(info.getGcAction()));
    }
  }

  private long used(Map<String, MemoryUsage> usages) {
    return usages.entrySet().stream()
        .filter(pool -> heapPools.contains(pool.getKey()))
        .mapToLong(pool -> pool.getValue().getUsed())
        .sum();
  }

  /**
   * Handles a collection.
   *
   * @param used bytes of the heap that are in use after it
   * @param isExact whether these bytes are all needed: no garbage is among them
   */
  void onCollected(long used, boolean isExact) {
    boolean isTooMuch = used > share(MAX_USE);
    if (isTooMuch && isExact) {
      connections.shed(Math.max(MIN_BATCH, count(used - share(AIM))));
    }
    int now = connections.unidentified();
    int min = count(share(MIN_SHARE));
    int grown = now + count(share(MAX_GROWTH) - used);
    connections.setMaxUnidentified(Math.max(min, Math.min(grown, count(share(MAX_SHARE)))));
    boolean isDoubtful = isTooMuch && !isExact && now > min;
    if (isDoubtful && ticker.getAsLong() - collectedAt >= COLLECT_EVERY) {
      collectedAt = ticker.getAsLong();
      collect.run();
    }
  }

  private long share(double part) {
    return (long) (max * part);
  }

  /** Returns how many unidentified connections hold so many bytes. */
  private static int count(long bytes) {
    return (int) Math.min(Integer.MAX_VALUE / 2, Math.max(0, bytes / BYTES_EACH));
  }

  /** Ends the guard. */
  @Override
  public void close() {
    for (NotificationEmitter collector : collectors()) {
      try {
        collector.removeNotificationListener(listener);
      } catch (ListenerNotFoundException e) {
        // It was closed before.
      }
    }
  }
}
