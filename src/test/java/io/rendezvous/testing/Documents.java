package io.rendezvous.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The documents of the project, and the blocks in them that are run as they are printed. */
public final class Documents {
  private static final Path SITE = Path.of("src", "site", "markdown");

  private Documents() {}

  /** Returns all documents. */
  public static List<Path> all() throws IOException {
    try (Stream<Path> site = Files.list(SITE)) {
      return Stream.concat(
              Stream.of(Path.of("README.md"), Path.of("CHANGELOG.md")),
              site.filter(file -> file.toString().endsWith(".md")).sorted())
          .toList();
    }
  }

  /**
   * Returns the block of code that is marked to be run.
   *
   * @param document its file name
   * @param name stands in the mark before the block: {@code <!-- run: NAME -->}
   */
  public static String block(String document, String name) {
    Path file = document.equals("README.md") ? Path.of(document) : SITE.resolve(document);
    try {
      Matcher block =
          Pattern.compile("(?s)<!-- run: " + name + " -->\\s*```\\w+\n(.*?)```")
              .matcher(Files.readString(file));
      if (!block.find()) {
        throw new AssertionError(file + " has no block to be run as " + name);
      }
      return block.group(1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
