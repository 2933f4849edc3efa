package io.rendezvous;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.cli.Commands;
import io.rendezvous.config.Settings;
import io.rendezvous.config.SettingsLoader;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.MarkdownDocument;
import io.smallrye.config.ConfigMappings;
import io.smallrye.config.ConfigMappings.ConfigClass;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/**
 * What the documents and the files in conf name exists. {@link DocumentsIT} runs their examples.
 */
class DocumentsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path SOURCES = Path.of("src", "main", "java", "io", "rendezvous");
  private static final Set<String> SETTINGS =
      ConfigMappings.getProperties(ConfigClass.configClass(Settings.class)).keySet();

  /** A setting, or a file or logger whose name begins in the same way. */
  private static final Pattern SETTING =
      Pattern.compile("(?<![\\w./@-])rendezvous(\\.[a-z][a-z-]*)+(\\.\\*)?");

  private static final Set<String> NO_SETTINGS =
      Set.of(
          "rendezvous.jar",
          "rendezvous.service",
          "rendezvous.log",
          "rendezvous.audit",
          "rendezvous.servers");

  private static final Pattern VARIABLE = Pattern.compile("\\bRENDEZVOUS_[A-Z_]+\\b");
  private static final Pattern REQUEST = Pattern.compile("(?:GET|POST|PUT|DELETE) (/\\S*)");
  private static final Pattern OPTION = Pattern.compile("(?<!\\S)(--[a-z][a-z-]*)");

  /** Options of other programs in code that is not a command line of ours. */
  private static final Set<String> OPTIONS_OF_OTHERS =
      Set.of("--basic", "--cacert", "--rounds", "--only", "--full");

  private static final CommandSpec PROGRAM = new CommandLine(new Commands()).getCommandSpec();

  static List<MarkdownDocument> documents() throws IOException {
    return MarkdownDocument.all();
  }

  private static List<Path> examples() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("conf"))) {
      return files.filter(f -> f.toString().matches(".*\\.(example|service|yml)")).toList();
    }
  }

  @Test
  void readmeIsShort() throws Exception {
    assertThat(Files.size(Path.of("README.md"))).isLessThanOrEqualTo(10 * 1024);
  }

  @Test
  void readmeLeadsToEveryDocument() throws Exception {
    assertThat(MarkdownDocument.read(Path.of("README.md")).links())
        .containsAll(MarkdownDocument.folder().stream().map(Path::toString).toList());
  }

  @ParameterizedTest
  @MethodSource("documents")
  void everyLinkLeadsSomewhere(MarkdownDocument document) throws Exception {
    for (String link : document.links()) {
      if (link.matches("https?:.*")) {
        continue;
      }
      String[] parts = link.split("#", 2);
      Path file = parts[0].isEmpty() ? document.path() : document.path().resolveSibling(parts[0]);
      assertThat(file).as(link).exists();
      if (parts.length > 1) {
        assertThat(MarkdownDocument.read(file.normalize()).anchors()).as(link).contains(parts[1]);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("documents")
  void everyAnchorIsUnique(MarkdownDocument document) {
    assertThat(document.anchors()).doesNotHaveDuplicates();
  }

  /** Files that exist on a broker's machine only are not meant. */
  @ParameterizedTest
  @MethodSource("documents")
  void everyFileOfTheProjectExists(MarkdownDocument document) throws Exception {
    Set<String> ignored =
        Files.readAllLines(Path.of(".gitignore")).stream()
            .map(line -> line.replaceFirst("^/", ""))
            .collect(Collectors.toSet());
    for (String span : document.spans()) {
      String name = span.replaceFirst(" .*", "");
      boolean ours = name.matches("(src|conf|scripts)/[\\w./-]*\\w");
      String wildcard = name.replaceFirst("[^/.]*(?=\\.\\w+$)", "*");
      if (ours && !ignored.contains(name) && !ignored.contains(wildcard)) {
        assertThat(Path.of(name)).exists();
      }
    }
  }

  @Test
  void contributorsAreToldOfEveryPackage() throws Exception {
    Set<String> packages = new TreeSet<>();
    for (Path file : sources()) {
      String path = SOURCES.relativize(file).toString();
      if (path.endsWith("/package-info.java")) {
        packages.add(path.replace("/package-info.java", "").replace('/', '.'));
      }
    }
    Pattern table = Pattern.compile("(?s)\\| package .*?(?=\n\n)");
    String rows = MarkdownDocument.named("contributing").find(table).get(0).group();
    Set<String> named =
        rows.lines()
            .map(row -> row.split("\\|", -1)[1])
            .flatMap(cell -> Pattern.compile("[a-z]+(\\.[a-z]+)*(?=`)").matcher(cell).results())
            .map(MatchResult::group)
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(named).isEqualTo(packages);
  }

  @Test
  void classesForContributorsExist() throws Exception {
    Set<String> classes = new HashSet<>();
    for (Path file : sources()) {
      String path = SOURCES.relativize(file).toString().replaceFirst("\\.java$", "");
      classes.add(path);
      classes.add(path.replaceFirst(".*/", ""));
    }
    List<String> named =
        MarkdownDocument.named("contributing").spans().stream()
            .filter(span -> span.matches("([a-z]+/)*[A-Z][a-z][A-Za-z]+(?<!Test|IT)"))
            .toList();
    assertThat(named).hasSizeGreaterThan(10).isSubsetOf(classes);
  }

  private static List<Path> sources() throws IOException {
    try (Stream<Path> files = Files.walk(SOURCES)) {
      return files.filter(file -> file.toString().endsWith(".java")).toList();
    }
  }

  // Settings.

  @Test
  void everySettingExists() throws Exception {
    for (MarkdownDocument document : documents()) {
      document.find(SETTING).forEach(found -> checkSetting(found.group(), document));
      document.find(VARIABLE).forEach(found -> checkVariable(found.group(), document));
    }
    for (Path file : examples()) {
      String text = Files.readString(file);
      SETTING.matcher(text).results().forEach(found -> checkSetting(found.group(), file));
      VARIABLE.matcher(text).results().forEach(found -> checkVariable(found.group(), file));
    }
  }

  private static void checkSetting(String name, Object where) {
    String prefix = name.replaceFirst("\\*$", "");
    boolean known =
        NO_SETTINGS.contains(name)
            || SETTINGS.contains(name)
            || name.endsWith("*") && SETTINGS.stream().anyMatch(key -> key.startsWith(prefix))
            || name.equals("rendezvous.access"); // a logger
    assertThat(known).as(name + " in " + where).isTrue();
  }

  private static void checkVariable(String name, Object where) {
    Set<String> variables =
        SETTINGS.stream()
            .map(key -> key.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9]", "_"))
            .collect(Collectors.toSet());
    variables.addAll(Set.of("RENDEZVOUS_AGENT_SECRET", "RENDEZVOUS_DIRECTORY"));
    assertThat(variables).as(where.toString()).contains(name);
  }

  @ParameterizedTest
  @MethodSource("documents")
  void settingsInBlocksAreAccepted(MarkdownDocument document) throws Exception {
    for (MarkdownDocument.Block block : document.blocks("properties")) {
      Properties properties = new Properties();
      properties.load(new StringReader(block.text()));
      Map<String, String> given = new HashMap<>();
      properties.stringPropertyNames().forEach(n -> given.put(n, properties.getProperty(n)));
      assertThat(SettingsLoader.load(given)).as(block.text()).isNotNull();
    }
  }

  /** That it names every setting, with its default, is a matter of the settings' own test. */
  @Test
  void everySettingInTheExampleIsExplained() throws Exception {
    String before = "";
    for (String line : Files.readAllLines(Path.of("conf", "rendezvous.properties.example"))) {
      if (line.startsWith("#rendezvous.")) {
        assertThat(before).as(line).startsWith("# ").doesNotStartWith("# --");
      }
      before = line;
    }
  }

  // Commands.

  @Test
  void everyCommandLineIsUnderstood() throws Exception {
    Set<String> used = new HashSet<>();
    for (MarkdownDocument document : documents()) {
      for (String line : commandLines(document)) {
        checkCommandLine(line, document, used);
      }
    }
    for (Path file : examples()) {
      for (String line : Files.readAllLines(file)) {
        if (line.contains("rendezvous.jar ")) {
          checkCommandLine(line, file, used);
        }
      }
    }
    assertThat(used).contains("serve", "agent check --as-client", "entry create --digits");
  }

  /** Returns what may be a command line: lines of blocks, and code in the prose. */
  private static List<String> commandLines(MarkdownDocument document) {
    List<String> lines = new ArrayList<>(document.spans());
    document.blocks("sh", "bash").forEach(block -> lines.addAll(block.lines()));
    return lines;
  }

  /** Checks a line of which our program, or one of its commands, is a part. */
  private static void checkCommandLine(String line, Object where, Set<String> used) {
    String[] words = line.replaceFirst("[|>#].*", "").strip().split("[\\s')]+", -1);
    CommandSpec command = null;
    for (int i = 0; i < words.length; i++) {
      String word = words[i];
      if (word.endsWith("rendezvous.jar") && i > 0 && words[i - 1].equals("-jar")
          || word.equals("scripts/rendezvous")) {
        command = PROGRAM;
      } else if (i == 0 && words.length > 1 && PROGRAM.subcommands().containsKey(word)) {
        command = PROGRAM.subcommands().get(word).getCommandSpec();
      } else if (command != null && word.startsWith("--")) {
        String option = word.replaceFirst("=.*", "");
        assertThat(command.optionsMap()).as(line + " in " + where).containsKey(option);
        used.add((command.qualifiedName() + " " + option).replaceFirst("^rendezvous ", ""));
      } else if (command != null && command.subcommands().containsKey(word)) {
        command = command.subcommands().get(word).getCommandSpec();
        used.add(command.qualifiedName().replaceFirst("^rendezvous ", ""));
      } else if (command == PROGRAM) {
        assertThat(word).as(line + " in " + where).isEqualTo("COMMAND");
      }
    }
  }

  @Test
  void everyOptionInTheProseExists() throws Exception {
    Set<String> ours = options(PROGRAM);
    for (MarkdownDocument document : documents()) {
      for (String span : document.spans()) {
        OPTION
            .matcher(span)
            .results()
            .map(found -> found.group(1))
            .filter(option -> !OPTIONS_OF_OTHERS.contains(option))
            .forEach(option -> assertThat(ours).as(span + " in " + document).contains(option));
      }
    }
  }

  @Test
  void everyCommandAndOptionIsDocumented() throws Exception {
    String all = documents().stream().map(MarkdownDocument::text).collect(Collectors.joining());
    assertThat(options(PROGRAM)).allMatch(option -> contains(all, option + "\\b"));
    assertThat(PROGRAM.subcommands().keySet())
        .allMatch(command -> contains(all, "(`|rendezvous(\\.jar)? )" + command + "\\b"));
  }

  private static boolean contains(String text, String regex) {
    return Pattern.compile(regex).matcher(text).find();
  }

  private static Set<String> options(CommandSpec command) {
    Set<String> options = new TreeSet<>();
    command.options().forEach(option -> options.add(option.longestName()));
    command
        .subcommands()
        .values()
        .forEach(below -> options.addAll(options(below.getCommandSpec())));
    return options;
  }

  // Interfaces.

  @Test
  void adminDocumentNamesWhatTheApiHas() throws Exception {
    JsonNode api =
        JSON.readTree(Path.of("src/main/resources/io/rendezvous/admin/openapi.json").toFile());
    Set<String> offered = new TreeSet<>();
    for (Map.Entry<String, JsonNode> path : api.path("paths").properties()) {
      for (String name : List.of("get", "put", "post", "delete")) {
        if (path.getValue().has(name)) {
          offered.add(
              name.toUpperCase(Locale.ROOT) + " " + path.getKey().replace("{entry}", "UUID"));
        }
      }
    }
    MarkdownDocument document = MarkdownDocument.named("admin");
    List<String> named =
        document.spans().stream().filter(span -> REQUEST.matcher(span).matches()).toList();
    assertThat(named).containsExactlyInAnyOrderElementsOf(offered);
  }

  @ParameterizedTest
  @MethodSource("documents")
  void jsonIsJson(MarkdownDocument document) throws Exception {
    for (MarkdownDocument.Block block : document.blocks("json")) {
      assertThat(JSON.readTree(block.text())).as(block.text()).isNotNull();
    }
  }

  @Test
  void entryAndProvisioningFileOfTheProtocolAreReal() throws Exception {
    MarkdownDocument document = MarkdownDocument.named("protocol");
    String entry = json(document, "\"authParams\"");
    String file = json(document, "\"issuer\"");
    Provisioning provisioning = Provisioning.parse(file);
    assertThat(provisioning.totp()).isEqualTo(Entry.parse(entry).totp());
    assertThat(JSON.readTree(provisioning.toJson())).isEqualTo(JSON.readTree(file));
    String token = provisioning.totp().token(provisioning.totp().stepAt(59), 8);
    assertThat(document.prose()).contains("`" + token + "`", "`" + token.substring(2) + "`");
  }

  private static String json(MarkdownDocument document, String part) {
    return document.blocks("json").stream()
        .map(MarkdownDocument.Block::text)
        .filter(text -> text.contains(part))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void dependencyForJavaIsThatOfThisProject() throws Exception {
    String pom = Files.readString(Path.of("pom.xml")).replaceAll("\\s", "");
    String xml = MarkdownDocument.named("java").blocks("xml").get(0).text().replaceAll("\\s", "");
    assertThat(pom).contains("</modelVersion>" + xml.replaceAll("</?dependency>", ""));
  }
}
