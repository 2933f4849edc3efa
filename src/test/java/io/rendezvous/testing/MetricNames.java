package io.rendezvous.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Checks metrics in Prometheus format by the rules of {@code promtool check metrics}: names, types,
 * units and descriptions.
 */
public final class MetricNames {
  private static final Pattern HEADER = Pattern.compile("# (HELP|TYPE) (\\S+) (.+)");
  private static final Pattern SAMPLE = Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{.*})? \\S+");
  private static final Set<String> ABBREVIATED =
      Set.of("s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d");
  private static final Set<String> NO_BASE_UNITS =
      Set.of(
          "milliseconds",
          "microseconds",
          "nanoseconds",
          "minutes",
          "hours",
          "days",
          "weeks",
          "kilobytes",
          "megabytes",
          "gigabytes",
          "bits",
          "percent",
          "celsius_degrees");
  private static final Set<String> TYPES = Set.of("counter", "gauge", "histogram", "summary");

  private MetricNames() {}

  /** Returns the violations, each as a sentence; none if all is well. */
  public static List<String> violations(String metrics) {
    Map<String, String> types = new TreeMap<>();
    Set<String> described = new TreeSet<>();
    List<String> found = new ArrayList<>();
    for (String line : metrics.split("\n", -1)) {
      Matcher header = HEADER.matcher(line);
      Matcher sample = SAMPLE.matcher(line);
      if (header.matches() && header.group(1).equals("TYPE")) {
        types.put(header.group(2), header.group(3));
      } else if (header.matches()) {
        described.add(header.group(2));
      } else if (sample.matches()) {
        checkSample(sample, types, found);
      } else if (!line.isEmpty()) {
        found.add("not a line of the format: " + line);
      }
    }
    types.forEach((name, type) -> checkName(name, type, found));
    types.keySet().stream()
        .filter(name -> !described.contains(name))
        .forEach(name -> found.add(name + " has no description"));
    return found;
  }

  private static void checkSample(Matcher sample, Map<String, String> types, List<String> found) {
    String name = sample.group(1);
    String base = name.replaceFirst("_(bucket|count|sum|max)$", "");
    if (!types.containsKey(name) && !types.containsKey(base)) {
      found.add(name + " has no type");
    }
    String labels = sample.group(2) == null ? "" : sample.group(2);
    if (labels.matches(".*[{,](le|quantile)=.*") && types.containsKey(name)) {
      found.add(name + " has a label of histograms");
    }
  }

  private static void checkName(String name, String type, List<String> found) {
    if (!TYPES.contains(type)) {
      found.add(name + " has the unknown type " + type);
    }
    if (type.equals("counter") != name.endsWith("_total")) {
      found.add(name + " is a " + type + ": counters, and only they, end in _total");
    }
    boolean isPlain = type.equals("counter") || type.equals("gauge");
    if (isPlain && name.matches(".*_(count|sum|bucket)")) {
      found.add(name + " is a " + type + " with the suffix of a histogram");
    }
    if (!name.matches("[a-z][a-z0-9_]*")) {
      found.add(name + " has other characters than small letters, digits and underscores");
    }
    for (String part : name.split("_", -1)) {
      if (ABBREVIATED.contains(part)) {
        found.add(name + " has an abbreviated unit: " + part);
      }
      if (NO_BASE_UNITS.contains(part)) {
        found.add(name + " has a unit that is no base unit: " + part);
      }
      if (TYPES.contains(part)) {
        found.add(name + " has its type in its name");
      }
    }
  }
}
