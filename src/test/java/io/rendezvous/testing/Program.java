package io.rendezvous.testing;

import java.io.BufferedReader;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;

/** A program that runs beside the test: the jar, curl, a browser. */
public final class Program implements Closeable {
  static final Path BUILD = Path.of("target").toAbsolutePath();
  private static final String JAVA =
      Path.of(System.getProperty("java.home"), "bin", "java").toString();
  static final Path JAR = BUILD.resolve("rendezvous.jar");

  /**
   * Options that undo {@link #QUICK_START}, for a test that moves so much that the JVM has to
   * compile well, or whose subject is the memory of the program.
   */
  public static final List<String> FULL_SPEED =
      List.of("-XX:TieredStopAtLevel=4", "-XX:-UseSerialGC", "-XX:+UseG1GC");

  /** Undoes the part of {@link #QUICK_START} that makes encryption slow. */
  public static final List<String> COMPILED = List.of("-XX:TieredStopAtLevel=4");

  /** Options that halve the CPU time of a start, which is most of what these tests cost. */
  private static final List<String> QUICK_START =
      List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");

  private static final Map<String, String> ANY_ADMIN_PORT = Map.of("RENDEZVOUS_ADMIN_PORT", "0");
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private final Process process;
  private final List<String> lines = Collections.synchronizedList(new ArrayList<>());
  private final Thread reader;

  private Program(Path directory, Map<String, String> environment, List<String> command)
      throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true);
    builder.environment().putAll(environment);
    process = builder.start();
    reader = new Thread(this::read, "test-program-output");
    reader.setDaemon(true);
    reader.start();
  }

  private void read() {
    try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line; (line = output.readLine()) != null; ) {
        lines.add(line);
      }
    } catch (IOException e) {
      // It was ended, and its output with it.
    }
  }

  /** Starts any program. */
  public static Program start(Path directory, String... command) throws IOException {
    return new Program(directory, Map.of(), List.of(command));
  }

  /** Starts a program with more in its environment. */
  public static Program start(Path directory, Map<String, String> environment, String... command)
      throws IOException {
    return new Program(directory, environment, List.of(command));
  }

  /** Starts a program that is among the tests, with the classes of the jar. */
  public static Program start(Path directory, Class<?> program, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(JAVA, "-Xmx256m"));
    command.addAll(QUICK_START);
    command.addAll(ClassArchive.options());
    command.add("-cp"); // the archive is of use if the jar comes first
    command.add(JAR + File.pathSeparator + BUILD.resolve("test-classes"));
    command.add(program.getName());
    command.addAll(List.of(arguments));
    return new Program(directory, ANY_ADMIN_PORT, command);
  }

  /** Starts the jar. */
  public static Program rendezvous(Path directory, String... arguments) throws IOException {
    return rendezvous(directory, List.of(), arguments);
  }

  /** Starts the jar with options for Java. */
  public static Program rendezvous(Path directory, List<String> options, String... arguments)
      throws IOException {
    return new Program(directory, ANY_ADMIN_PORT, commandLine(options, arguments));
  }

  /** Returns the command that starts the jar, on the Java that runs the tests. */
  public static List<String> commandLine(List<String> options, String... arguments) {
    List<String> all = new ArrayList<>(QUICK_START);
    all.addAll(ClassArchive.options());
    all.addAll(options);
    return java(all, arguments);
  }

  /** Returns the command that starts the jar with no options for Java but these. */
  static List<String> java(List<String> options, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(JAVA);
    command.add("-Xmx256m");
    command.addAll(options);
    command.add("-jar");
    command.add(JAR.toString());
    command.addAll(List.of(arguments));
    return command;
  }

  /** Waits for a line that matches, and returns its first group. */
  public String await(String regex) {
    Pattern pattern = Pattern.compile(regex);
    String[] found = new String[1];
    Awaitility.await()
        .atMost(PATIENCE)
        .untilAsserted(
            () -> {
              for (String line : lines()) {
                Matcher matcher = pattern.matcher(line);
                if (matcher.find()) {
                  found[0] = matcher.groupCount() > 0 ? matcher.group(1) : matcher.group();
                  return;
                }
              }
              throw new AssertionError("no line matches " + regex + ":\n" + output());
            });
    return found[0];
  }

  /** Returns what it has printed so far. */
  public List<String> lines() {
    synchronized (lines) {
      return List.copyOf(lines);
    }
  }

  /** Returns what it has printed so far, in one text. */
  public String output() {
    return String.join("\n", lines());
  }

  /** Waits until it ends, and returns its exit code. */
  public int exitCode() throws InterruptedException {
    if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("it does not end:\n" + output());
    }
    reader.join(PATIENCE.toMillis());
    return process.exitValue();
  }

  /** Waits until it ends well, and returns what it printed. */
  public String outputWhenDone() throws InterruptedException {
    int code = exitCode();
    if (code != 0) {
      throw new AssertionError("exit code " + code + ":\n" + output());
    }
    return output();
  }

  /** Sends it a signal, such as TERM. */
  public void signal(String name) throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, Long.toString(pid())).start().waitFor();
  }

  /** Returns its process id. */
  public long pid() {
    return process.pid();
  }

  /** Returns whether it still runs. */
  public boolean isRunning() {
    return process.isAlive();
  }

  /** Kills it, with what it has started. */
  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
