package io.rendezvous;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.cli.Commands;
import io.rendezvous.testing.Documents;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** What the documents name exists: files, sections, settings, commands, options. */
class DocumentsTest {
  private static final int MAX_README = 10 * 1024;
  private static final Pattern LINK = Pattern.compile("]\\(([^)\\s]+)\\)");
  private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.*)$");
  private static final Pattern KEY =
      Pattern.compile("(?<!io\\.)\\brendezvous\\.[a-z][a-z0-9.-]*[a-z0-9]");
  private static final Pattern COMMAND = Pattern.compile("rendezvous(?:\\.jar)? ([a-z][^>)|&\n]*)");
  private static final Set<String> FILES =
      Set.of(
          "rendezvous.jar",
          "rendezvous.properties",
          "rendezvous.properties.example",
          "rendezvous.service",
          "rendezvous.audit");

  static List<Path> documents() throws IOException {
    return Documents.all();
  }

  private static String anchor(String heading) {
    return heading.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-');
  }

  private static Set<String> anchors(Path document) throws IOException {
    Set<String> anchors = new HashSet<>();
    Matcher headings = HEADING.matcher(Files.readString(document));
    while (headings.find()) {
      anchors.add(anchor(headings.group(1)));
    }
    return anchors;
  }

  @ParameterizedTest
  @MethodSource("documents")
  void linksLeadSomewhere(Path document) throws Exception {
    Matcher links = LINK.matcher(Files.readString(document));
    while (links.find()) {
      String link = links.group(1);
      if (link.contains("://")) {
        continue;
      }
      String file = link.replaceFirst("#.*", "");
      Path target = file.isEmpty() ? document : document.resolveSibling(file).normalize();
      assertThat(target).as("%s: %s", document, link).exists();
      if (link.contains("#")) {
        assertThat(anchors(target)).as("%s: %s", document, link).contains(link.split("#", 2)[1]);
      }
    }
  }

  private static Set<String> settings() throws IOException {
    Set<String> keys = new HashSet<>();
    for (String line : Files.readAllLines(Path.of("conf", "rendezvous.properties.example"))) {
      Matcher key = Pattern.compile("^#?(rendezvous\\.[a-z0-9.-]+)=").matcher(line);
      if (key.find()) {
        keys.add(key.group(1));
      }
    }
    return keys;
  }

  @ParameterizedTest
  @MethodSource("documents")
  void settingsExist(Path document) throws Exception {
    Set<String> known = settings();
    Matcher keys = KEY.matcher(Files.readString(document));
    while (keys.find()) {
      String key = keys.group();
      boolean isGroup = known.stream().anyMatch(setting -> setting.startsWith(key + "."));
      assertThat(known.contains(key) || isGroup || FILES.contains(key))
          .as("%s: %s", document, key)
          .isTrue();
    }
  }

  /** Returns the command lines in a document, each without the name of the program. */
  private static List<List<String>> commands(Path document) throws IOException {
    List<List<String>> all = new ArrayList<>();
    Matcher blocks =
        Pattern.compile("(?s)```(?:console|sh)\n(.*?)```").matcher(Files.readString(document));
    while (blocks.find()) {
      Matcher commands = COMMAND.matcher(blocks.group(1).replaceAll("\\s+#.*", ""));
      while (commands.find()) {
        all.add(
            Stream.of(commands.group(1).strip().split("\\s+"))
                .map(word -> word.replaceAll("^'|'$", ""))
                .map(word -> word.equals("UUID") ? UUID.randomUUID().toString() : word)
                .toList());
      }
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("documents")
  void commandsAndOptionsExist(Path document) throws Exception {
    for (List<String> command : commands(document)) {
      new CommandLine(new Commands()).parseArgs(command.toArray(String[]::new)); // or it throws
    }
  }

  /** Options in running text and tables. */
  @ParameterizedTest
  @MethodSource("documents")
  void optionsInTheTextExist(Path document) throws Exception {
    Set<String> known =
        new HashSet<>(Set.of("--full", "--java", "--peers", "--only", "--quick", "--cacert"));
    addOptions(new CommandLine(new Commands()), known);
    Matcher options =
        Pattern.compile("`(?:[^`\n]* )?(--[a-z][a-z-]+)").matcher(Files.readString(document));
    while (options.find()) {
      String line = options.group();
      if (!line.contains("curl") && !line.contains("certbot")) {
        assertThat(known).as("%s: %s", document, line).contains(options.group(1));
      }
    }
  }

  private static void addOptions(CommandLine command, Set<String> into) {
    command.getCommandSpec().options().forEach(option -> into.addAll(List.of(option.names())));
    command.getSubcommands().values().forEach(sub -> addOptions(sub, into));
  }

  @Test
  void readmeIsShort() throws Exception {
    assertThat(Files.size(Path.of("README.md"))).isLessThanOrEqualTo(MAX_README);
  }
}
