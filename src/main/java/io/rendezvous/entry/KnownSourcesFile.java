package io.rendezvous.entry;

import io.rendezvous.config.AtomicFile;
import io.rendezvous.config.FileOwner;
import io.rendezvous.entry.KnownSources.Known;
import io.rendezvous.net.FailureText;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file of a {@link KnownSources}: a line for each source. New lines are appended. A file that
 * has too many is replaced by what is known then.
 *
 * <p>A task of an executor writes what has gathered, and there is one at a time: a disk that hangs
 * holds up one thread, and no token. After an error the file is left alone for a minute, and then
 * replaced.
 *
 * <p>Any thread may call.
 */
final class KnownSourcesFile {
  private static final Logger LOG = LoggerFactory.getLogger(KnownSourcesFile.class);
  private static final long RETRY_AFTER = Duration.ofMinutes(1).toNanos();

  private final Path path;
  private final Executor writer;
  private final int maxLines;
  private final LongSupplier ticker;

  // Guarded by this.
  private final List<Known> added = new ArrayList<>(); // not written yet
  private Optional<List<Known>> all = Optional.empty(); // replaces the file before these
  private int lines; // in the file, once everything is written
  private boolean isStale = true; // it does not exist, lacks lines, or has broken ones
  private boolean isBroken;
  private long brokenAt;
  private boolean isWriting;

  /**
   * Creates an object for a file that need not exist.
   *
   * @param writer runs the tasks that write
   * @param maxLines number of lines with which the file is replaced
   * @param ticker tells nanoseconds, as {@link System#nanoTime} does
   */
  KnownSourcesFile(Path path, Executor writer, int maxLines, LongSupplier ticker) {
    this.path = path;
    this.writer = writer;
    this.maxLines = maxLines;
    this.ticker = ticker;
  }

  /** Reads the file. Lines that were cut off are left out, and the file is then replaced. */
  List<Known> load() {
    List<Known> read = new ArrayList<>();
    try {
      String text = Files.readString(path);
      text.lines().forEach(line -> Known.parse(line).ifPresent(read::add));
      synchronized (this) {
        lines = read.size();
        isStale = read.size() < text.lines().count() || !text.endsWith("\n");
      }
    } catch (NoSuchFileException e) {
      // The broker starts for the first time.
    } catch (IOException e) {
      LOG.warn("{} cannot be read, so no source is known: {}", path, FailureText.of(e));
    }
    return read;
  }

  /**
   * Adds a source, soon.
   *
   * @param known returns all sources with this one, in case the file is replaced
   */
  synchronized void add(Known one, Supplier<List<Known>> known) {
    if (isBroken && ticker.getAsLong() - brokenAt < RETRY_AFTER) {
      return; // it will be among those that replace the file
    }
    if (isStale || lines >= maxLines) {
      List<Known> snapshot = known.get();
      all = Optional.of(snapshot);
      added.clear();
      lines = snapshot.size();
      isStale = false;
    } else {
      added.add(one);
      lines++;
    }
    if (!isWriting) {
      isWriting = true;
      writer.execute(this::write);
    }
  }

  private void write() {
    try {
      while (writeNext()) {
        // Others may have been added meanwhile.
      }
    } catch (ClosedByInterruptException e) {
      // The process ends, and has just seen a new source: it is forgotten.
    } catch (IOException | RuntimeException e) {
      onError(e);
    }
  }

  /** Writes what has gathered. Returns false if there is nothing, which ends the task. */
  private boolean writeNext() throws IOException {
    Optional<List<Known>> replacing;
    StringBuilder text = new StringBuilder();
    synchronized (this) {
      if (all.isEmpty() && added.isEmpty()) {
        isWriting = false;
        return false;
      }
      replacing = all;
      all = Optional.empty();
      added.forEach(one -> text.append(one.line()));
      added.clear();
    }
    if (replacing.isPresent()) {
      replace(replacing.get());
    }
    if (text.length() > 0) {
      Files.writeString(path, text, StandardOpenOption.APPEND);
    }
    synchronized (this) {
      isBroken = false;
    }
    return true;
  }

  private void replace(List<Known> with) throws IOException {
    StringBuilder text = new StringBuilder();
    with.forEach(one -> text.append(one.line()));
    FileOwner.createDirectoryOf(path);
    AtomicFile.writeSecret(path, text.toString());
  }

  private synchronized void onError(Exception e) {
    if (!isBroken) {
      LOG.warn("{} cannot be written, so a restart forgets some: {}", path, FailureText.of(e));
    }
    isBroken = true;
    brokenAt = ticker.getAsLong();
    isStale = true;
    all = Optional.empty();
    added.clear();
    isWriting = false;
  }
}
