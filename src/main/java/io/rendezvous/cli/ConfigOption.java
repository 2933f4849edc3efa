package io.rendezvous.cli;

import io.rendezvous.config.SettingsException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option that names the settings file. */
final class ConfigOption {
  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "Settings file (default: conf/rendezvous.properties, if it exists).")
  private @Nullable Path file;

  /** Reads the settings. */
  Installation installation() throws SettingsException {
    return Installation.of(file);
  }
}
