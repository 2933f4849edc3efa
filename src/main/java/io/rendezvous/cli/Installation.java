package io.rendezvous.cli;

import io.rendezvous.config.Settings;
import io.rendezvous.config.SettingsException;
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
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Creates the parts of a broker that its settings describe: the store, the certificate, … */
final class Installation {
  private static final Path DEFAULT_FILE = Path.of("conf", "rendezvous.properties");
  private static final String FILE = "file:";

  private final Settings settings;
  private final CertificateAuthority authority;

  private Installation(Settings settings) {
    this.settings = settings;
    this.authority = new CertificateAuthority(settings.tls().certificate(), settings.tls().key());
  }

  /**
   * Reads the settings.
   *
   * @param file the file that was named on the command line, or null
   */
  static Installation of(@Nullable Path file) throws SettingsException {
    if (file != null) {
      return new Installation(SettingsLoader.load(file));
    }
    return new Installation(
        Files.exists(DEFAULT_FILE) ? SettingsLoader.load(DEFAULT_FILE) : SettingsLoader.load());
  }

  Settings settings() {
    return settings;
  }

  /** Opens the store of entries. */
  EntryStore openStore() throws IOException {
    String location = settings.store().location();
    return location.startsWith(FILE)
        ? new FileStore(Path.of(location.substring(FILE.length())))
        : new RedisStore(location);
  }

  /**
   * Creates a certificate, if TLS is enabled and there is neither a certificate nor a key.
   *
   * @return whether it was created
   */
  boolean createMissingCertificate() throws IOException {
    if (!settings.tls().enabled()
        || Files.exists(settings.tls().certificate())
        || Files.exists(settings.tls().key())) {
      return false;
    }
    createCertificate(List.of());
    return true;
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
