package io.rendezvous.entry;

import io.rendezvous.config.AtomicFile;
import io.rendezvous.net.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sources from which each UUID has authenticated. Of more than a maximum, the least recently
 * used are forgotten.
 *
 * <p>They can be kept in a file, so that they are known after a restart, and after a kill too: each
 * new one is appended as a line with the UUID and the source. A line that was cut off is ignored. A
 * file that has grown to twice the maximum is written anew.
 *
 * <p>Not thread-safe; the owner guards it. {@link #add} may write to the file.
 */
public final class KnownSources {
  private static final Logger LOG = LoggerFactory.getLogger(KnownSources.class);
  private static final int MAX = 200_000;

  private record Known(UUID id, Source source) {
    static Optional<Known> parse(String line) {
      String[] parts = line.split(" ", -1);
      return parts.length == 3 && parts[2].equals(".") // else the line was cut off
          ? Entry.parseId(parts[0]).map(id -> new Known(id, new Source(parts[1])))
          : Optional.empty();
    }

    String line() {
      return id + " " + source + " .\n";
    }
  }

  private final @Nullable Path file;
  private final int max;
  private final Map<Known, Boolean> known;
  private int lines; // in the file

  private KnownSources(@Nullable Path file, int max) {
    this.file = file;
    this.max = max;
    this.known = LruMap.byUse(max);
  }

  /** Returns an empty object that is not kept in a file. */
  public static KnownSources inMemory() {
    return new KnownSources(null, MAX);
  }

  /**
   * Returns the sources that a file holds, and keeps further ones there. The file and its directory
   * are made when they are needed. A file that cannot be read is replaced.
   */
  public static KnownSources in(Path file) {
    return in(file, MAX);
  }

  static KnownSources in(Path file, int max) {
    KnownSources sources = new KnownSources(file, max);
    try {
      List<String> lines = Files.readAllLines(file);
      lines.forEach(line -> Known.parse(line).ifPresent(k -> sources.known.put(k, true)));
      sources.rewrite(file);
    } catch (NoSuchFileException e) {
      // The broker starts for the first time.
    } catch (IOException e) {
      LOG.warn("{} cannot be read, so no source is known: {}", file, e.toString());
    }
    return sources;
  }

  boolean contains(UUID id, Source source) {
    return known.containsKey(new Known(id, source));
  }

  /** Adds a source from which a UUID has authenticated. */
  void add(UUID id, Source source) {
    Known one = new Known(id, source);
    if (known.put(one, true) == null && file != null) {
      try {
        append(file, one);
      } catch (IOException e) {
        LOG.warn("{} cannot be written, so a restart forgets some: {}", file, e.toString());
      }
    }
  }

  private void append(Path to, Known one) throws IOException {
    if (lines == 0 || lines >= 2 * max) {
      rewrite(to);
      return;
    }
    Files.writeString(to, one.line(), StandardOpenOption.APPEND);
    lines++;
  }

  private void rewrite(Path to) throws IOException {
    StringBuilder all = new StringBuilder();
    known.keySet().forEach(one -> all.append(one.line()));
    Path parent = to.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    AtomicFile.writeSecret(to, all.toString());
    lines = known.size();
  }
}
