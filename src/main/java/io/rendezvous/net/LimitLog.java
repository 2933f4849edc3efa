package io.rendezvous.net;

import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs that connections are closed because a limit is met: for each limit at most one line a
 * minute, with the number of connections since the line before and the source that had most of
 * them. Any thread may call.
 */
final class LimitLog {
  private static final Logger LOG = LoggerFactory.getLogger(LimitLog.class);
  private static final long INTERVAL = Duration.ofMinutes(1).toNanos();

  /** Sources that are counted one by one between two lines. */
  private static final int MAX_SOURCES = 64;

  private final LongSupplier ticker;
  private final Map<ConnectionLimiter.Limit, Tally> tallies = // guarded by this
      new EnumMap<>(ConnectionLimiter.Limit.class);

  /**
   * Creates a log.
   *
   * @param ticker tells nanoseconds, as {@link System#nanoTime} does
   */
  LimitLog(LongSupplier ticker) {
    this.ticker = ticker;
  }

  /** The connections of one limit since the last line. */
  private static final class Tally {
    private final Map<Source, Integer> bySource = new HashMap<>();
    private int count;
    private long loggedAt;

    Tally(long now) {
      loggedAt = now - INTERVAL;
    }
  }

  /** What one line says. */
  record Line(ConnectionLimiter.Limit limit, int count, Source source, int ofSource) {}

  /** Counts a connection that is closed, and logs it if a line is due. */
  void met(ConnectionLimiter.Limit limit, Source source) {
    Line line = count(limit, source);
    if (line != null) {
      LOG.warn(
          "{}: {} closed, {} of them from {}",
          describe(limit),
          line.count() == 1 ? "1 connection" : line.count() + " connections",
          line.ofSource(),
          line.source());
    }
  }

  /** Counts a connection that is closed. Returns what is to be logged, or null if nothing is. */
  synchronized @Nullable Line count(ConnectionLimiter.Limit limit, Source source) {
    long now = ticker.getAsLong();
    Tally tally = tallies.computeIfAbsent(limit, l -> new Tally(now));
    tally.count++;
    if (tally.bySource.size() < MAX_SOURCES || tally.bySource.containsKey(source)) {
      tally.bySource.merge(source, 1, Integer::sum);
    }
    if (now - tally.loggedAt < INTERVAL) {
      return null;
    }
    Map.Entry<Source, Integer> main =
        tally.bySource.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow();
    Line line = new Line(limit, tally.count, main.getKey(), main.getValue());
    tally.bySource.clear();
    tally.count = 0;
    tally.loggedAt = now;
    return line;
  }

  private static String describe(ConnectionLimiter.Limit limit) {
    return switch (limit) {
      case CONNECTIONS -> "The limit of connections is met";
      case PER_SOURCE -> "A source has met its limit of unidentified connections";
      case HEAP -> "Unidentified connections have used up their share of the heap";
      case CHALLENGES -> "Clients were asked for a hidden server too often or for too long";
    };
  }
}
