package io.rendezvous.cli;

import io.rendezvous.agent.Event;
import io.rendezvous.agent.Status;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A table in the last lines of a terminal that shows the status of each hidden server.
 *
 * <p>Used by one thread.
 */
final class StatusTable {
  private static final int MAX_ROWS = 20;
  private static final int MAX_NAME = 24;
  private static final Duration HARMLESS_SKEW = Duration.ofSeconds(2);
  private static final String WITHOUT_WRAPPING = "\u001b[?7l";
  private static final String WITH_WRAPPING = "\u001b[?7h";

  private final PrintWriter out;
  private int drawn;

  StatusTable(PrintWriter out) {
    this.out = out;
  }

  /** Erases the table. */
  void erase() {
    if (drawn > 0) {
      out.print("\u001b[" + drawn + "A\r\u001b[J");
      drawn = 0;
    }
  }

  /** Draws the table below the last line. */
  void draw(Map<String, Status> statuses) {
    List<String> lines = lines(statuses);
    out.print(WITHOUT_WRAPPING); // so that the number of lines to erase is known
    lines.forEach(out::println);
    out.print(WITH_WRAPPING);
    drawn = lines.size();
  }

  private static List<String> lines(Map<String, Status> statuses) {
    List<String> lines = new ArrayList<>();
    lines.add("");
    lines.add(
        String.format(
            "%-24s %9s %7s %9s %9s %9s  %s",
            "", "parked", "in use", "requests", "in", "out", "clock"));
    statuses.entrySet().stream()
        .sorted(Comparator.comparing(entry -> entry.getValue().isOnline()))
        .limit(MAX_ROWS)
        .forEach(entry -> lines.add(row(entry.getKey(), entry.getValue())));
    if (statuses.size() > MAX_ROWS) {
      lines.add("and " + (statuses.size() - MAX_ROWS) + " more");
    }
    statuses.entrySet().stream()
        .filter(entry -> entry.getValue().lastTrouble().isPresent())
        .max(Comparator.comparing(entry -> trouble(entry.getValue()).time()))
        .ifPresent(entry -> lines.add(trouble(entry.getKey(), trouble(entry.getValue()))));
    return lines;
  }

  private static Event trouble(Status status) {
    return status.lastTrouble().orElseThrow();
  }

  private static String trouble(String name, Event trouble) {
    return "last trouble, "
        + trouble.time().truncatedTo(ChronoUnit.SECONDS) // in UTC, like the lines of events
        + ", "
        + name
        + ": "
        + trouble.text();
  }

  private static String row(String name, Status status) {
    return String.format(
        Locale.ROOT,
        "%-24s %9s %7d %9d %9s %9s  %s",
        name.length() > MAX_NAME ? name.substring(0, MAX_NAME - 1) + "…" : name,
        status.parked() + " of " + status.wanted(),
        status.active(),
        status.traffic().requests(),
        bytes(status.traffic().bytesIn()),
        bytes(status.traffic().bytesOut()),
        status.clockBehind().map(StatusTable::clock).orElse("unknown"));
  }

  private static String clock(Duration behind) {
    if (behind.abs().compareTo(HARMLESS_SKEW) <= 0) {
      return "ok";
    }
    return behind.abs().toSeconds() + " s " + (behind.isNegative() ? "ahead" : "behind");
  }

  /** Returns a number of bytes in a form for people, such as "18.4 kB". */
  private static String bytes(long count) {
    String[] units = {"B", "kB", "MB", "GB", "TB"};
    double value = count;
    int unit = 0;
    while (value >= 999.5 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    String form = unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s";
    return String.format(Locale.ROOT, form, value, units[unit]);
  }
}
