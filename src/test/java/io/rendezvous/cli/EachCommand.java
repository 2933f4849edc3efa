package io.rendezvous.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A program that runs many commands as the jar does, one after the other. It reads them from a
 * file, a command a line, and prints the exit code of each after its output.
 */
public final class EachCommand {
  static final String CODE = "exit code ";

  private EachCommand() {}

  /** Runs the commands in a file. */
  public static void main(String[] args) throws IOException {
    Console.prepareLogging();
    for (String line : Files.readAllLines(Path.of(args[0]))) {
      int code = Commands.run(line.isEmpty() ? new String[0] : line.split(" ", -1));
      Console.flush();
      System.out.println(CODE + code);
    }
    System.exit(0);
  }
}
