package io.rendezvous.telemetry;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is known of one hidden server, or of all. Guarded by itself. */
final class ServerActivity {
  static final int MINUTES = 60;

  private final int[] minutes = new int[MINUTES];
  private long minute; // the last one that is in use
  private long day;
  private ActivityLog.Totals today = ActivityLog.Totals.NONE;
  private @Nullable Instant seen;
  private ActivityLog.@Nullable End end;

  private void turnTo(Instant now) {
    long thisDay = now.getEpochSecond() / Duration.ofDays(1).toSeconds();
    if (thisDay != day) {
      day = thisDay;
      today = ActivityLog.Totals.NONE;
    }
    long thisMinute = now.getEpochSecond() / MINUTES;
    if (thisMinute - minute >= MINUTES || thisMinute < minute) {
      Arrays.fill(minutes, 0);
    } else {
      for (long m = minute + 1; m <= thisMinute; m++) {
        minutes[(int) (m % MINUTES)] = 0;
      }
    }
    minute = thisMinute;
  }

  synchronized void seen(Instant now, ActivityLog.@Nullable End how) {
    seen = now;
    end = how == null ? end : how;
  }

  synchronized void add(Instant now, int rendezvous, long in, long out) {
    turnTo(now);
    minutes[(int) (minute % MINUTES)] += rendezvous;
    today =
        new ActivityLog.Totals(
            today.rendezvous() + rendezvous, today.octetsIn() + in, today.octetsOut() + out);
  }

  synchronized ActivityLog.Totals today(Instant now) {
    turnTo(now);
    return today;
  }

  /** Returns the rendezvous of each minute, the oldest first. */
  synchronized int[] hour(Instant now) {
    turnTo(now);
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
