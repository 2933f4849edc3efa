package io.rendezvous.cli;

import io.rendezvous.config.SettingsException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option that names the settings. */
final class ConfigOption {
  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "The settings (default: conf/rendezvous.properties, if there).")
  private @Nullable Path file;

  Installation installation() throws SettingsException {
    return Installation.of(file);
  }
}
