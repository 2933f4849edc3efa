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

/** What the settings of one broker lead to: its store, its certificate, its name. */
final class Installation {
  private static final Path DEFAULT_FILE = Path.of("conf", "rendezvous.properties");
  private static final String FILE = "file:";

  private final Settings settings;
  private final CertificateAuthority maker;

  private Installation(Settings settings) {
    this.settings = settings;
    this.maker = new CertificateAuthority(settings.tls().certificate(), settings.tls().key());
  }

  /**
   * Reads the settings.
   *
   * @param file the file named on the command line, if any
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

  /** Opens the store. */
  EntryStore openStore() throws IOException {
    String location = settings.store().location();
    return location.startsWith(FILE)
        ? new FileStore(Path.of(location.substring(FILE.length())))
        : new RedisStore(location);
  }

  /**
   * Makes a certificate where there is neither one nor a key.
   *
   * @return whether it was made
   */
  boolean makeMissingCertificate() throws IOException {
    if (!settings.tls().enabled()
        || Files.exists(settings.tls().certificate())
        || Files.exists(settings.tls().key())) {
      return false;
    }
    makeCertificate(List.of());
    return true;
  }

  /**
   * Makes a certificate.
   *
   * @param first the names to begin with
   */
  void makeCertificate(List<String> first) throws IOException {
    Set<String> names = new LinkedHashSet<>(first);
    settings.publicHost().ifPresent(names::add);
    names.addAll(CertificateAuthority.namesOfThisMachine());
    maker.make(names, Instant.now());
  }

  /** Reads the certificate, unless there is to be no TLS. */
  Optional<ServerCertificate> keys() throws IOException {
    return settings.tls().enabled()
        ? Optional.of(
            new ServerCertificate(
                settings.tls().certificate(), settings.tls().key(), InstantSource.system()))
        : Optional.empty();
  }

  /** Returns what tells hidden servers how to reach the broker. */
  Provisioner provisioner() throws IOException {
    return new Provisioner(settings, keys(), settings::port);
  }
}
