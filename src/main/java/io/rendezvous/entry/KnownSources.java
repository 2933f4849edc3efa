package io.rendezvous.entry;

import io.rendezvous.net.Source;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The sources from which each UUID has authenticated. Of more than a maximum, the least recently
 * used are forgotten. They can be kept in a {@link KnownSourcesFile}, so that they are known after
 * a restart, and after a kill too.
 *
 * <p>Not thread-safe; the owner guards it. No method waits for the disk.
 */
public final class KnownSources {
  private static final int MAX = 200_000;

  /** A UUID, and a source from which it has authenticated. */
  record Known(UUID id, Source source) {
    /** Reads a line of the file. Returns empty if it was cut off, or is none. */
    static Optional<Known> parse(String line) {
      String[] parts = line.split(" ", -1);
      return parts.length == 3 && parts[2].equals(".")
          ? Entry.parseId(parts[0]).map(id -> new Known(id, new Source(parts[1])))
          : Optional.empty();
    }

    /** Returns the line of the file. Its last word shows that it is whole. */
    String line() {
      return id + " " + source + " .\n";
    }
  }

  private final Map<Known, Boolean> known;
  private final @Nullable KnownSourcesFile file;

  private KnownSources(int max, @Nullable KnownSourcesFile file) {
    this.known = LruMap.byUse(max);
    this.file = file;
  }

  /** Returns an empty object that is not kept in a file. */
  public static KnownSources inMemory() {
    return new KnownSources(MAX, null);
  }

  /**
   * Reads the sources that a file holds, and keeps further ones there. The file and its directory
   * are created when they are needed. A file that cannot be read is replaced.
   *
   * @param writer runs the tasks that write, one at a time
   */
  public static KnownSources in(Path file, Executor writer) {
    return in(file, writer, MAX, System::nanoTime);
  }

  static KnownSources in(Path file, Executor writer, int max, LongSupplier ticker) {
    KnownSourcesFile kept = new KnownSourcesFile(file, writer, 2 * max, ticker);
    KnownSources sources = new KnownSources(max, kept);
    kept.load().forEach(one -> sources.known.put(one, true));
    return sources;
  }

  boolean contains(UUID id, Source source) {
    return known.containsKey(new Known(id, source));
  }

  /** Adds a source from which a UUID has authenticated. */
  void add(UUID id, Source source) {
    Known one = new Known(id, source);
    if (known.put(one, true) == null && file != null) {
      file.add(one, () -> List.copyOf(known.keySet()));
    }
  }
}
