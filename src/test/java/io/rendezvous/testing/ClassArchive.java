package io.rendezvous.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The classes of the jar as Java has already parsed and verified them, in a file that every start
 * of the jar maps into its memory. A start takes a third less CPU time with it.
 *
 * <p>The archive is made once per build, when a test first starts the jar. It belongs to one build
 * of the jar and one version of Java. Without it the jar starts just the same, only slower.
 */
final class ClassArchive {
  private static final List<String> OPTIONS = make();

  private ClassArchive() {}

  /** Returns the options with which Java uses the archive: none if it could not be made. */
  static List<String> options() {
    return OPTIONS;
  }

  private static List<String> make() {
    String version = System.getProperty("java.vm.version");
    Path file = Program.BUILD.resolve("rendezvous-" + version + ".jsa");
    try {
      if (!Files.exists(file) || !isNewer(file, Program.JAR)) {
        Files.deleteIfExists(file);
        demonstrate("-XX:+UseSerialGC", "-XX:ArchiveClassesAtExit=" + file);
      }
      return Files.exists(file) ? List.of("-XX:SharedArchiveFile=" + file) : List.of();
    } catch (IOException e) {
      return List.of();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }

  private static boolean isNewer(Path file, Path than) throws IOException {
    return Files.getLastModifiedTime(file).compareTo(Files.getLastModifiedTime(than)) > 0;
  }

  /** Runs a broker, an agent and a local server in one process. That loads most classes. */
  private static void demonstrate(String... options) throws IOException, InterruptedException {
    List<String> command = Program.java(List.of(options), "demo");
    try (Program demo = Program.start(Program.BUILD, command.toArray(String[]::new))) {
      demo.await("Ctrl-C");
      demo.signal("TERM");
      demo.exitCode();
    }
  }
}
