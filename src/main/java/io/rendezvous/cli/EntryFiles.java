package io.rendezvous.cli;

import io.rendezvous.agent.Event;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.Provisioning;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/**
 * The provisioning files of an agent, and directories of such, which are looked at again and again:
 * a file that is replaced replaces its hidden server, and in a directory files may come and go.
 *
 * <p>For the thread that starts it, and from then on for its own.
 */
final class EntryFiles {
  private static final Duration LOOK_EVERY = Duration.ofSeconds(3);
  private static final int SHORT_ID = 8;

  /** Starts the hidden server of a file. */
  interface Starting {
    /**
     * Starts it.
     *
     * @param option the number of the option that named the file
     * @throws IOException if it cannot be started
     * @throws IllegalArgumentException if it is not known what clients are to reach
     */
    HiddenServer start(String name, Provisioning entry, int option) throws IOException;
  }

  private record Known(String text, String name) {}

  private final List<Path> given;
  private final BrokerOptions options;
  private final Starting starting;
  private final RunningAgents fleet;
  private final BiConsumer<String, Event> events;
  private final Map<Path, Known> known = new TreeMap<>();
  private final Map<Path, String> unusable = new HashMap<>();

  /**
   * Creates one that has looked at nothing yet.
   *
   * @param given the files and directories
   * @param options know how a file is read
   * @param events is told what is wrong, by the name of the file
   */
  EntryFiles(
      List<Path> given,
      BrokerOptions options,
      Starting starting,
      RunningAgents fleet,
      BiConsumer<String, Event> events) {
    this.given = given;
    this.options = options;
    this.starting = starting;
    this.fleet = fleet;
    this.events = events;
  }

  /**
   * Starts the hidden servers, and follows the files from now on.
   *
   * @throws IOException if a file cannot be used, unless it is one of many in a directory
   */
  void start() throws IOException {
    for (int option = 0; option < given.size(); option++) {
      Path path = given.get(option);
      if (!Files.isDirectory(path)) {
        start(path, Files.readString(path), option);
      }
    }
    look();
    Thread thread = new Thread(this::lookAgainAndAgain, "agent-files");
    thread.setDaemon(true);
    thread.start();
  }

  private void lookAgainAndAgain() {
    try {
      while (true) {
        TimeUnit.MILLISECONDS.sleep(LOOK_EVERY.toMillis());
        look();
      }
    } catch (InterruptedException e) {
      // The process ends.
    }
  }

  private void look() {
    for (int option = 0; option < given.size(); option++) {
      Path path = given.get(option);
      if (Files.isDirectory(path)) {
        lookInto(path, option);
      } else if (Files.isRegularFile(path)) { // what comes from a pipe comes once
        follow(path, option);
      } else {
        unusable.remove(path);
      }
    }
  }

  private void lookInto(Path directory, int option) {
    Set<Path> there = new TreeSet<>();
    try (Stream<Path> files = Files.list(directory)) {
      files.filter(EntryFiles::isProvisioning).forEach(there::add);
    } catch (IOException | UncheckedIOException e) {
      tell(directory, e);
      return;
    }
    unusable.keySet().removeIf(path -> path.equals(directory) || isGone(path, directory, there));
    there.forEach(file -> follow(file, option));
    known
        .entrySet()
        .removeIf(
            entry -> {
              boolean gone = isGone(entry.getKey(), directory, there);
              if (gone) {
                fleet.remove(entry.getValue().name());
              }
              return gone;
            });
  }

  private boolean isGone(Path file, Path directory, Set<Path> there) {
    return directory.equals(file.getParent()) && !there.contains(file) && !given.contains(file);
  }

  private static boolean isProvisioning(Path file) {
    String name = String.valueOf(file.getFileName());
    return !name.startsWith(".")
        && (name.endsWith(".json") || name.endsWith(".js"))
        && Files.isRegularFile(file);
  }

  /** Starts what is new or has changed. One that does not start leaves the old one running. */
  private void follow(Path file, int option) {
    try {
      String text = Files.readString(file);
      Known before = known.get(file);
      if (before == null || !before.text().equals(text)) {
        start(file, text, option);
      }
      unusable.remove(file);
    } catch (NoSuchFileException e) {
      // One that is being replaced may be missing for a moment.
    } catch (IOException | IllegalArgumentException e) {
      tell(file, e);
    }
  }

  private void start(Path file, String text, int option) throws IOException {
    Provisioning entry = options.broker(Provisioning.parse(text));
    String name = name(file, entry);
    fleet.put(name, starting.start(name, entry, option));
    known.put(file, new Known(text, name));
  }

  /** A hidden server keeps its name, and no two have the same. */
  private String name(Path file, Provisioning entry) {
    Known before = known.get(file);
    if (before != null) {
      return before.name();
    }
    String name = nameOf(entry);
    if (fleet.has(name)) {
      name = fileName(file);
    }
    return fleet.has(name) ? Event.printable(file.toString()) : name;
  }

  /** Returns what people call an entry: a label, or the beginning of its UUID. */
  static String nameOf(Provisioning entry) {
    return entry.labels().isEmpty()
        ? entry.id().toString().substring(0, SHORT_ID)
        : Event.printable(entry.labels().get(0));
  }

  private static String fileName(Path file) {
    return Event.printable(String.valueOf(file.getFileName()));
  }

  private void tell(Path file, Exception e) {
    String why = file + ": " + e.getMessage();
    if (!why.equals(unusable.put(file, why))) {
      events.accept(fileName(file), new Event(Instant.now(), Event.Kind.ENTRY_UNUSABLE, why));
    }
  }
}
