package io.rendezvous.cli;

import io.rendezvous.config.SettingsException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say which broker a command is about. */
final class InstallationOptions {
  private static final String NONE_HERE =
      "this is not the directory of a broker; name one with --directory DIR or "
          + BrokerDirectory.VARIABLE;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--directory",
      paramLabel = "DIR",
      description =
          "The broker's directory, to which paths in the settings are relative (default: "
              + BrokerDirectory.VARIABLE
              + " in the environment, else the working directory; entry, admin and cert also look in"
              + " /opt/rendezvous).")
  private @Nullable Path directory;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "Settings file (default: conf/rendezvous.properties in the broker's directory, if it"
              + " exists).")
  private @Nullable Path config;

  /** Returns the installation in the directory that was named, or in the working directory. */
  Installation here() throws SettingsException {
    return Installation.in(named().orElse(BrokerDirectory.HERE), config());
  }

  /**
   * Returns the installation in the directory that was named, which may be a new one, or else one
   * that exists.
   *
   * @throws ParameterException if there is none
   */
  Installation namedOrExisting() throws SettingsException {
    if (named().isPresent()) {
      return here();
    }
    return found().orElseThrow(() -> mistake(NONE_HERE + ", or . for a new one"));
  }

  /**
   * Returns the installation of a broker that has its files already.
   *
   * @throws ParameterException if there is none
   */
  Installation existing() throws SettingsException {
    Optional<Path> named = named();
    if (named.isEmpty()) {
      return found().orElseThrow(() -> mistake(NONE_HERE));
    }
    Installation installation = here();
    if (!installation.exists()) {
      throw mistake(
          named.get()
              + " is not the directory of a broker; this makes it one: rendezvous serve --directory "
              + named.get());
    }
    return installation;
  }

  private Optional<Installation> found() throws SettingsException {
    Optional<Path> found = config == null ? BrokerDirectory.find() : Optional.empty();
    Installation installation = Installation.in(found.orElse(BrokerDirectory.HERE), config());
    return Optional.of(installation).filter(Installation::exists);
  }

  private Optional<Path> named() {
    try {
      return BrokerDirectory.named(Optional.ofNullable(directory), System.getenv());
    } catch (IllegalArgumentException e) {
      throw mistake(String.valueOf(e.getMessage()));
    }
  }

  private Optional<Path> config() {
    return Optional.ofNullable(config);
  }

  private ParameterException mistake(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
