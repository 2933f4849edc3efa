package io.rendezvous.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * One of the project's documents, taken apart as far as the tests of documents need it.
 *
 * @param path of its file
 * @param blocks its fenced blocks of code
 * @param prose its text without the blocks
 */
public record MarkdownDocument(Path path, List<Block> blocks, String prose) {
  private static final Path FOLDER = Path.of("src", "site", "markdown");
  private static final String FENCE = "```";
  private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.*)$");
  private static final Pattern LINK = Pattern.compile("]\\(([^)\\s]+)\\)");
  private static final Pattern SPAN = Pattern.compile("`([^`]+)`");

  /**
   * A fenced block.
   *
   * @param language what stands behind the fence; empty if there is nothing
   * @param text with a line feed after each line
   */
  public record Block(String language, String text) {
    /** Returns its lines, except empty ones. */
    public List<String> lines() {
      return text.lines().filter(line -> !line.isBlank()).toList();
    }
  }

  /** Reads the README, the changes and everything in the folder of documents. */
  public static List<MarkdownDocument> all() throws IOException {
    List<MarkdownDocument> all = new ArrayList<>();
    all.add(read(Path.of("README.md")));
    all.add(read(Path.of("CHANGELOG.md")));
    for (Path path : folder()) {
      all.add(read(path));
    }
    return all;
  }

  /** Returns the files in the folder of documents. */
  public static List<Path> folder() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files.filter(file -> file.toString().endsWith(".md")).sorted().toList();
    }
  }

  /** Reads the document of that name in the folder of documents. */
  public static MarkdownDocument named(String name) throws IOException {
    return read(FOLDER.resolve(name + ".md"));
  }

  /** Reads a document. */
  public static MarkdownDocument read(Path path) throws IOException {
    List<Block> blocks = new ArrayList<>();
    StringBuilder prose = new StringBuilder();
    StringBuilder block = null;
    String language = "";
    for (String line : Files.readAllLines(path)) {
      if (!line.startsWith(FENCE)) {
        (block == null ? prose : block).append(line).append('\n');
      } else if (block == null) {
        block = new StringBuilder();
        language = line.substring(FENCE.length());
      } else {
        blocks.add(new Block(language, block.toString()));
        block = null;
      }
    }
    if (block != null) {
      throw new IOException(path + " has a block without an end");
    }
    return new MarkdownDocument(path, List.copyOf(blocks), prose.toString());
  }

  /** Returns the texts of the blocks in a language. */
  public List<Block> blocks(String... languages) {
    List<String> wanted = Arrays.asList(languages);
    return blocks.stream().filter(block -> wanted.contains(block.language())).toList();
  }

  /** Returns the anchors of its headings, as GitHub makes them. */
  public List<String> anchors() {
    return HEADING.matcher(prose).results().map(heading -> anchor(heading.group(1))).toList();
  }

  private static String anchor(String heading) {
    return heading.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-');
  }

  /** Returns the targets of its links and pictures. */
  public List<String> links() {
    return LINK.matcher(prose).results().map(link -> link.group(1)).toList();
  }

  /** Returns what stands between backquotes in its prose. */
  public List<String> spans() {
    return SPAN.matcher(prose)
        .results()
        .map(span -> span.group(1).replaceAll("\\s+", " "))
        .toList();
  }

  /** Returns all of its text. */
  public String text() {
    StringBuilder text = new StringBuilder(prose);
    blocks.forEach(block -> text.append(block.text()));
    return text.toString();
  }

  /** Returns what matches in all of its text. */
  public List<MatchResult> find(Pattern pattern) {
    return pattern.matcher(text()).results().toList();
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
