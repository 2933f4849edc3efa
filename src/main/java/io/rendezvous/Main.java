package io.rendezvous;

import io.rendezvous.cli.Commands;
import io.rendezvous.cli.Console;

/** The program: {@code java -jar rendezvous.jar COMMAND …}. */
public final class Main {
  private Main() {}

  /** Runs a command and exits with its code: 0 done, 1 failed, 2 wrong usage. */
  public static void main(String[] args) {
    Console.prepareLogging();
    int code = Commands.run(args);
    Console.flush();
    System.exit(code);
  }
}
