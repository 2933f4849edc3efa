package io.rendezvous.telemetry;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The activity of one hidden server, or the sum of all: totals of the current day in UTC, the
 * rendezvous of each of the last 60 minutes, and the last tunnel. Any thread may call; guarded by
 * itself.
 */
final class ServerActivity {
  static final int MINUTES = 60;

  private static final long SECONDS_PER_MINUTE = Duration.ofMinutes(1).toSeconds();
  private static final long SECONDS_PER_DAY = Duration.ofDays(1).toSeconds();

  private final int[] minutes = new int[MINUTES]; // a ring
  private long minute; // the latest in the ring, since 1970
  private long day; // since 1970
  private ActivityLog.Totals today = ActivityLog.Totals.NONE;
  private @Nullable Instant seen;
  private ActivityLog.@Nullable End end;

  /** Clears the totals of an earlier day, and the minutes that are more than an hour old. */
  private void advance(Instant now) {
    long thisDay = now.getEpochSecond() / SECONDS_PER_DAY;
    if (thisDay != day) {
      day = thisDay;
      today = ActivityLog.Totals.NONE;
    }
    long thisMinute = now.getEpochSecond() / SECONDS_PER_MINUTE;
    if (thisMinute - minute >= MINUTES || thisMinute < minute) {
      Arrays.fill(minutes, 0);
    } else {
      for (long m = minute + 1; m <= thisMinute; m++) {
        minutes[(int) (m % MINUTES)] = 0;
      }
    }
    minute = thisMinute;
  }

  /**
   * Records that a tunnel was there.
   *
   * @param how how it ended; null if it did not end
   */
  synchronized void seen(Instant now, ActivityLog.@Nullable End how) {
    seen = now;
    end = how == null ? end : how;
  }

  synchronized void add(Instant now, int rendezvous, long bytesIn, long bytesOut) {
    advance(now);
    minutes[(int) (minute % MINUTES)] += rendezvous;
    today =
        new ActivityLog.Totals(
            today.rendezvous() + rendezvous,
            today.bytesIn() + bytesIn,
            today.bytesOut() + bytesOut);
  }

  synchronized ActivityLog.Totals today(Instant now) {
    advance(now);
    return today;
  }

  /** Returns the number of rendezvous in each of the last 60 minutes, the oldest first. */
  synchronized int[] hour(Instant now) {
    advance(now);
    int[] hour = new int[MINUTES];
    for (int i = 0; i < MINUTES; i++) {
      hour[i] = minutes[(int) ((minute + 1 + i) % MINUTES)];
    }
    return hour;
  }

  synchronized Optional<Instant> lastSeen() {
    return Optional.ofNullable(seen);
  }

  synchronized Optional<ActivityLog.End> lastEnd() {
    return Optional.ofNullable(end);
  }
}
