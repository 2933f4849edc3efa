package io.rendezvous.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Checks that the files and directories that the settings name exist. What is missing at a default
 * path is created when it is needed. What is missing at another path was probably mistyped, and
 * creating it would hide that.
 */
public final class SettingsFiles {
  private static final String FILE_STORE = "file:";

  private final Settings settings;
  private final Path directory;
  private final List<String> mistakes = new ArrayList<>();

  private SettingsFiles(Settings settings, Path directory) {
    this.settings = settings;
    this.directory = directory;
  }

  /**
   * Returns what is missing, one line each, or an empty list.
   *
   * @param directory the directory to which relative paths in the settings are relative
   */
  public static List<String> mistakes(Settings settings, Path directory) {
    SettingsFiles files = new SettingsFiles(settings, directory);
    if (settings.tls().enabled() && !files.hasDefaultPair()) {
      files.exists("tls.certificate", settings.tls().certificate());
      files.exists("tls.key", settings.tls().key());
    }
    files.store();
    if (settings.admin().enabled()) {
      files.admin();
    }
    return files.mistakes;
  }

  /** Returns the directory of the store of entries; empty if the store is not in files. */
  public static Optional<Path> storeDirectory(Settings settings, Path directory) {
    String location = settings.store().location();
    return location.startsWith(FILE_STORE)
        ? Optional.of(directory.resolve(location.substring(FILE_STORE.length())))
        : Optional.empty();
  }

  /**
   * Returns whether the certificate and its key are at the default paths, where the broker may
   * create them.
   */
  public static boolean hasDefaultPair(Settings settings, Path directory) {
    return new SettingsFiles(settings, directory).hasDefaultPair();
  }

  private boolean hasDefaultPair() {
    return isDefault(settings.tls().certificate(), Settings.TlsSettings.DEFAULT_CERTIFICATE)
        && isDefault(settings.tls().key(), Settings.TlsSettings.DEFAULT_KEY);
  }

  private void store() {
    boolean isDefault = settings.store().location().equals(Settings.StoreSettings.DEFAULT_LOCATION);
    Optional<Path> store = storeDirectory(settings, directory);
    if (!isDefault && store.isPresent() && Files.notExists(store.get())) {
      add("store", "there is no directory " + store.get());
    }
  }

  private void admin() {
    Settings.AdminSettings admin = settings.admin();
    if (admin.token().isEmpty()
        && !isDefault(admin.tokenFile(), Settings.AdminSettings.DEFAULT_TOKEN_FILE)) {
      exists("admin.token-file", admin.tokenFile());
    }
    Path above = admin.ledger().toAbsolutePath().getParent();
    if (!isDefault(admin.ledger(), Settings.AdminSettings.DEFAULT_LEDGER)
        && above != null
        && Files.notExists(above)) {
      add("admin.ledger", "there is no directory " + above);
    }
  }

  private boolean isDefault(Path path, String defaultPath) {
    return path.toAbsolutePath()
        .normalize()
        .equals(directory.resolve(defaultPath).toAbsolutePath().normalize());
  }

  private void exists(String key, Path file) {
    if (Files.notExists(file)) {
      add(key, "there is no file " + file);
    }
  }

  private void add(String key, String mistake) {
    mistakes.add(
        SettingsLoader.PREFIX + "." + key + ": " + mistake + "; correct the path, or create it");
  }
}
