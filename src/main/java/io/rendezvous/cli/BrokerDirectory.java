package io.rendezvous.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds the directory of a broker, in which its settings, keys and entries are. A command that took
 * any directory for one would create a second certificate authority there, or an entry that no
 * broker knows.
 */
final class BrokerDirectory {
  /** The environment variable that names the directory. */
  static final String VARIABLE = "RENDEZVOUS_DIRECTORY";

  /** The path of the settings file in the directory. */
  static final String SETTINGS = "conf/rendezvous.properties";

  /** The working directory. */
  static final Path HERE = Path.of("");

  /** Where the systemd unit runs the broker. */
  private static final Path INSTALLED = Path.of("/opt/rendezvous");

  private static final List<String> SIGNS =
      List.of(SETTINGS, "conf/registrar.crt", "data/entries", "data/admin.token");

  private BrokerDirectory() {}

  /**
   * Returns the directory that was named, if one was.
   *
   * @param option the directory of the command line, which comes first
   * @throws IllegalArgumentException if there is no such directory
   */
  static Optional<Path> named(Optional<Path> option, Map<String, String> environment) {
    Optional<Path> named =
        option.or(
            () ->
                Optional.ofNullable(environment.get(VARIABLE))
                    .filter(v -> !v.isBlank())
                    .map(Path::of));
    named.filter(path -> !Files.isDirectory(path)).ifPresent(BrokerDirectory::fail);
    return named;
  }

  private static void fail(Path path) {
    throw new IllegalArgumentException("there is no directory " + path);
  }

  /**
   * Returns the directory of the broker on this machine: the working directory if a broker's files
   * are in it, else the one where the systemd unit runs the broker.
   */
  static Optional<Path> find() {
    return find(HERE, INSTALLED);
  }

  static Optional<Path> find(Path here, Path installed) {
    return List.of(here, installed).stream().filter(BrokerDirectory::holdsBroker).findFirst();
  }

  /** Returns whether a broker's files are in a directory. */
  static boolean holdsBroker(Path directory) {
    return SIGNS.stream().anyMatch(sign -> Files.exists(directory.resolve(sign)));
  }
}
