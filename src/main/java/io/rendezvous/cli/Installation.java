package io.rendezvous.cli;

import io.rendezvous.config.DirectoryLock;
import io.rendezvous.config.LoadedSettings;
import io.rendezvous.config.Settings;
import io.rendezvous.config.SettingsException;
import io.rendezvous.config.SettingsFiles;
import io.rendezvous.config.SettingsLoader;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.FileStore;
import io.rendezvous.entry.Provisioner;
import io.rendezvous.entry.RedisStore;
import io.rendezvous.tls.keys.CertificateAuthority;
import io.rendezvous.tls.keys.ServerCertificate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** A broker's directory and settings, and the parts of the broker that they describe. */
final class Installation {
  private final Path directory;
  private final Optional<Path> named;
  private final Optional<Path> file;
  private final LoadedSettings loaded;
  private final Settings settings;
  private final CertificateAuthority authority;

  private Installation(Path directory, Optional<Path> named) throws SettingsException {
    this.directory = directory;
    this.named = named;
    Path ordinary = directory.resolve(BrokerDirectory.SETTINGS);
    this.file = named.or(() -> Optional.of(ordinary).filter(Files::exists));
    this.loaded = SettingsLoader.load(directory, file);
    this.settings = loaded.settings();
    this.authority = new CertificateAuthority(settings.tls().certificate(), settings.tls().key());
  }

  /**
   * Reads the settings, and the levels of the log.
   *
   * @param directory the broker's directory
   * @param named the settings file that was named on the command line
   */
  static Installation in(Path directory, Optional<Path> named) throws SettingsException {
    Console.readLogSettings(directory); // before anything logs
    return new Installation(directory, named);
  }

  Settings settings() {
    return settings;
  }

  /** Returns the settings in a form that can be compared with {@link #reloaded}. */
  LoadedSettings loaded() {
    return loaded;
  }

  /** Reads the settings again, and checks the files that they name. */
  LoadedSettings reloaded() throws SettingsException {
    Installation now = new Installation(directory, named);
    now.checkFiles();
    return now.loaded;
  }

  /** Returns whether a broker's files are here, at the paths that the settings name. */
  boolean exists() {
    boolean hasStore = storeDirectory().map(Files::exists).orElse(!settings.tls().enabled());
    return hasStore
        || file.equals(Optional.of(directory.resolve(BrokerDirectory.SETTINGS)))
        || settings.tls().enabled() && Files.exists(settings.tls().certificate())
        || Files.exists(settings.admin().tokenFile());
  }

  /** Returns the directory of the store of entries; empty if the store is not in files. */
  Optional<Path> storeDirectory() {
    return SettingsFiles.storeDirectory(settings, directory);
  }

  /**
   * Checks that the files that the settings name exist.
   *
   * @throws SettingsException if one is missing that is not created when it is needed
   */
  void checkFiles() throws SettingsException {
    List<String> mistakes = SettingsFiles.mistakes(settings, directory);
    if (!mistakes.isEmpty()) {
      throw new SettingsException(mistakes);
    }
  }

  /**
   * Takes the lock of a running broker. It is on the data directory, where a broker keeps what no
   * other may write; the entries may be shared.
   *
   * @throws IOException if another broker is running here
   */
  DirectoryLock lock() throws IOException {
    Path ledger = settings.admin().ledger().toAbsolutePath();
    return DirectoryLock.take(Objects.requireNonNull(ledger.getParent()));
  }

  /** Returns where the entries are, for people. The location of another store may be secret. */
  String storeName() {
    return storeDirectory().map(Path::toString).orElse("the store (rendezvous.store)");
  }

  /** Opens the store of entries. */
  EntryStore openStore() throws IOException {
    Optional<Path> files = storeDirectory();
    return files.isPresent()
        ? new FileStore(files.get())
        : new RedisStore(settings.store().location());
  }

  /**
   * Creates a certificate, if TLS is enabled and there is neither a certificate nor a key at the
   * default paths.
   *
   * @return whether it was created
   */
  boolean createMissingCertificate() throws IOException {
    if (!lacksCertificate()) {
      return false;
    }
    createCertificate(List.of());
    return true;
  }

  /** Returns whether a start of the broker creates a certificate. */
  boolean lacksCertificate() {
    return settings.tls().enabled()
        && SettingsFiles.hasDefaultPair(settings, directory)
        && !Files.exists(settings.tls().certificate())
        && !Files.exists(settings.tls().key());
  }

  /**
   * Creates a certificate for the public host and the names of this machine.
   *
   * @param first further names, which come first
   */
  void createCertificate(List<String> first) throws IOException {
    Set<String> names = new LinkedHashSet<>(first);
    settings.publicHost().ifPresent(names::add);
    names.addAll(CertificateAuthority.namesOfThisMachine());
    authority.make(names, Instant.now());
  }

  /** Reads the certificate; returns empty if TLS is disabled. */
  Optional<ServerCertificate> certificate() throws IOException {
    return settings.tls().enabled()
        ? Optional.of(
            new ServerCertificate(
                settings.tls().certificate(), settings.tls().key(), InstantSource.system()))
        : Optional.empty();
  }

  /** Returns the provisioner, which tells hidden servers how to reach the broker. */
  Provisioner provisioner() throws IOException {
    return new Provisioner(settings, certificate(), settings::port);
  }
}
