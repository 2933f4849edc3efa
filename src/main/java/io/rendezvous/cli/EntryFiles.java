package io.rendezvous.cli;

import io.rendezvous.agent.Event;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.net.DutyThread;
import io.rendezvous.net.FailureText;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/**
 * Runs a hidden server for each provisioning file of an agent and follows the files: one that is
 * replaced replaces its hidden server, and in a directory files may appear and disappear.
 *
 * <p>Used by the thread that starts it, and from then on by a thread of its own.
 */
final class EntryFiles {
  private static final Duration LOOK_EVERY = Duration.ofSeconds(3);
  private static final int SHORT_ID = 8;

  /** Starts the hidden server of a file. */
  interface Starter {
    /**
     * Starts a hidden server.
     *
     * @param option the index of the --entry option that named the file
     * @throws IOException if it cannot be started
     * @throws IllegalArgumentException if nothing says what clients reach
     */
    HiddenServer start(String name, Provisioning entry, int option) throws IOException;
  }

  /** The contents of a file, and the hidden server that runs with them. */
  private record Known(String text, String name, Provisioning entry) {
    boolean isSame(Provisioning other) {
      return entry.id().equals(other.id())
          && entry.host().equalsIgnoreCase(other.host())
          && entry.port() == other.port();
    }
  }

  private final List<Path> paths;
  private final BrokerOptions options;
  private final Starter starter;
  private final RunningAgents agents;
  private final BiConsumer<String, Event> listener;
  private final Map<Path, Known> known = new TreeMap<>();
  private final Map<Path, String> unusable = new HashMap<>();
  private final DutyThread thread = new DutyThread("agent-files"); // ends with the process
  private final Set<Path> empty = new HashSet<>(); // directories

  /**
   * Creates the hidden servers of some files, of which none is read before {@link #start}.
   *
   * @param paths the files and directories
   * @param options may override the broker that a file names
   * @param listener is told of files that cannot be used, with their names
   */
  EntryFiles(
      List<Path> paths,
      BrokerOptions options,
      Starter starter,
      RunningAgents agents,
      BiConsumer<String, Event> listener) {
    this.paths = paths;
    this.options = options;
    this.starter = starter;
    this.agents = agents;
    this.listener = listener;
  }

  /**
   * Starts the hidden servers, and follows the files from now on.
   *
   * @throws IOException if a file cannot be used, unless it stands in one of the directories
   * @throws IllegalArgumentException if two files are of the same hidden server
   */
  void start() throws IOException {
    for (int option = 0; option < paths.size(); option++) {
      Path path = paths.get(option);
      if (paths.indexOf(path) < option) {
        throw new IllegalArgumentException("--entry " + path + " is given twice");
      }
      if (!Files.isDirectory(path)) {
        start(path, Files.readString(path), option);
      }
    }
    look();
    thread.every(LOOK_EVERY, "watching provisioning files", this::look);
  }

  private void look() {
    for (int option = 0; option < paths.size(); option++) {
      Path path = paths.get(option);
      if (Files.isDirectory(path)) {
        lookInto(path, option);
      } else if (Files.isRegularFile(path)) { // a pipe can be read only once
        follow(path, option);
      } else {
        unusable.remove(path);
      }
    }
  }

  private void lookInto(Path directory, int option) {
    Set<Path> present = new TreeSet<>();
    try (Stream<Path> files = Files.list(directory)) {
      files.filter(EntryFiles::isProvisioning).forEach(present::add);
    } catch (IOException | UncheckedIOException e) {
      report(directory, e);
      return;
    }
    unusable.keySet().removeIf(path -> path.equals(directory) || isGone(path, directory, present));
    known
        .entrySet()
        .removeIf(
            entry -> {
              boolean gone = isGone(entry.getKey(), directory, present);
              if (gone) {
                agents.remove(entry.getValue().name());
              }
              return gone;
            });
    present.forEach(file -> follow(file, option));
    reportIfEmpty(directory, present.isEmpty());
  }

  private void reportIfEmpty(Path directory, boolean isEmpty) {
    if (!isEmpty) {
      empty.remove(directory);
    } else if (empty.add(directory)) {
      String text = "there is no provisioning file in " + directory + " yet";
      listener.accept("", new Event(Instant.now(), Event.Kind.ENTRY_UNUSABLE, text));
    }
  }

  private boolean isGone(Path file, Path directory, Set<Path> present) {
    return directory.equals(file.getParent()) && !present.contains(file) && !paths.contains(file);
  }

  private static boolean isProvisioning(Path file) {
    String name = String.valueOf(file.getFileName());
    return !name.startsWith(".")
        && (name.endsWith(".json") || name.endsWith(".js"))
        && Files.isRegularFile(file);
  }

  /** Starts a file that is new or has changed. If that fails, the old hidden server goes on. */
  private void follow(Path file, int option) {
    try {
      String text = Files.readString(file);
      Known before = known.get(file);
      if (before == null || !before.text().equals(text)) {
        start(file, text, option);
      }
      unusable.remove(file);
    } catch (NoSuchFileException e) {
      // A file that is being replaced may be missing for a moment.
    } catch (IOException | IllegalArgumentException e) {
      report(file, e);
    }
  }

  private void start(Path file, String text, int option) throws IOException {
    Provisioning entry = options.withBroker(Provisioning.parse(text));
    for (Map.Entry<Path, Known> other : known.entrySet()) {
      if (!other.getKey().equals(file) && other.getValue().isSame(entry)) {
        throw new IllegalArgumentException(
            file + " and " + other.getKey() + " are of the same hidden server");
      }
    }
    String name = name(file, entry);
    agents.put(name, starter.start(name, entry, option));
    known.put(file, new Known(text, name, entry));
  }

  /** Returns the name of a file's hidden server, which it keeps and shares with no other. */
  private String name(Path file, Provisioning entry) {
    Known before = known.get(file);
    if (before != null) {
      return before.name();
    }
    String name = nameOf(entry);
    if (agents.has(name)) {
      name = fileName(file);
    }
    return agents.has(name) ? Event.printable(file.toString()) : name;
  }

  /** Returns a short name of an entry, for people: a label, or the beginning of its UUID. */
  static String nameOf(Provisioning entry) {
    return entry.labels().isEmpty()
        ? entry.id().toString().substring(0, SHORT_ID)
        : Event.printable(entry.labels().get(0));
  }

  private static String fileName(Path file) {
    return Event.printable(String.valueOf(file.getFileName()));
  }

  private void report(Path file, Exception e) {
    String why = file + ": " + FailureText.of(e);
    if (!why.equals(unusable.put(file, why))) {
      listener.accept(fileName(file), new Event(Instant.now(), Event.Kind.ENTRY_UNUSABLE, why));
    }
  }
}
