package io.rendezvous.cli;

import java.io.Console;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads a new password: twice from a terminal, without echo, or else from standard input. */
final class PasswordInput {
  private static final int MAX_BYTES = 4096;

  private PasswordInput() {}

  /**
   * Reads a password.
   *
   * @throws IOException if there is none, or the two are different
   */
  static String read() throws IOException {
    Optional<Console> terminal = terminal();
    return terminal.isPresent() ? read(terminal.get()) : read(System.in);
  }

  /** Returns the terminal. Since Java 22 there is a console without one, too, which says so. */
  @SuppressWarnings("SystemConsoleNull")
  private static Optional<Console> terminal() {
    Console console = System.console();
    if (console == null) {
      return Optional.empty();
    }
    try {
      Object isTerminal = Console.class.getMethod("isTerminal").invoke(console);
      return Boolean.TRUE.equals(isTerminal) ? Optional.of(console) : Optional.empty();
    } catch (NoSuchMethodException e) {
      return Optional.of(console);
    } catch (ReflectiveOperationException e) {
      return Optional.empty();
    }
  }

  private static String read(Console terminal) throws IOException {
    char[] first = typed(terminal.readPassword("Password for clients: "));
    char[] second = typed(terminal.readPassword("Again: "));
    if (!Arrays.equals(first, second)) {
      throw new IOException("The two passwords are different");
    }
    return new String(first);
  }

  private static char[] typed(char @Nullable [] password) throws IOException {
    if (password == null) {
      throw new IOException("No password was entered");
    }
    return password;
  }

  /** Reads the only line of a stream. */
  static String read(InputStream in) throws IOException {
    String text = new String(in.readNBytes(MAX_BYTES), StandardCharsets.UTF_8);
    String line = text.replaceFirst("\\r?\\n\\z", "");
    if (line.isEmpty()) {
      throw new IOException("Standard input contains no password");
    }
    return line;
  }
}
