package io.rendezvous.testing;

import java.io.IOException;
import java.nio.file.Path;

/** The client of OpenSSL. */
public final class OpenSsl {
  private OpenSsl() {}

  /**
   * Connects to a broker, sends something, and ends a second later. Returns what it printed.
   *
   * @param directory the broker's
   * @param input as {@code printf} reads it
   * @param arguments more for {@code openssl s_client}
   */
  public static String connect(Path directory, int port, String input, String... arguments)
      throws IOException, InterruptedException {
    String command =
        "openssl s_client -connect localhost:%d -CAfile conf/registrar-ca.crt ".formatted(port)
            + String.join(" ", arguments);
    String line = "(printf '" + input + "'; sleep 1) | timeout 60 " + command + " 2>&1";
    Program program = Program.start(directory, "sh", "-c", line);
    program.exitCode();
    return program.output();
  }
}
