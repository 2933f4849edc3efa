package io.rendezvous.cli;

import io.rendezvous.admin.AdminToken;
import io.rendezvous.config.Settings;
import io.rendezvous.config.SettingsException;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.VoidPasswords;
import io.rendezvous.net.FailureText;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Tries what a start of the broker needs, except listening, and changes nothing. A broker may be
 * running meanwhile.
 */
final class ServeCheck {
  private final Installation installation;
  private final Settings settings;
  private final List<String> mistakes = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  private ServeCheck(Installation installation) {
    this.installation = installation;
    this.settings = installation.settings();
  }

  /**
   * Runs the check, and returns warnings of what works otherwise than it seems.
   *
   * @throws SettingsException with everything that would stop the broker, or leave it without its
   *     admin page
   */
  static List<String> run(Installation installation) throws SettingsException {
    installation.checkFiles();
    ServeCheck check = new ServeCheck(installation);
    check.certificate();
    check.store();
    check.address("host", check.settings.host());
    if (check.settings.admin().enabled()) {
      check.admin();
    }
    if (!check.mistakes.isEmpty()) {
      throw new SettingsException(check.mistakes);
    }
    return check.warnings;
  }

  private void certificate() {
    Path certificate = settings.tls().certificate();
    if (!settings.tls().enabled()) {
      return;
    }
    if (installation.lacksCertificate()) {
      canBeCreated("tls.certificate", certificate);
      return;
    }
    try {
      installation.certificate();
    } catch (IOException e) {
      add("tls.certificate", e);
    }
  }

  private void store() {
    Optional<Path> directory = installation.storeDirectory();
    if (directory.isPresent() && Files.notExists(directory.get())) {
      canBeCreated("store", directory.get());
      return;
    }
    try (EntryStore store = installation.openStore()) {
      store.find(UUID.randomUUID());
      VoidPasswords.warning(store.list(), settings.realm()).ifPresent(warnings::add);
      directory.ifPresent(path -> canBeCreated("store", path.resolve("entry")));
    } catch (IOException e) {
      add("store", e);
    }
  }

  private void admin() {
    Settings.AdminSettings admin = settings.admin();
    address("admin.host", admin.host());
    canBeCreated("admin.ledger", admin.ledger());
    try {
      if (AdminToken.exists(admin)) {
        AdminToken.of(admin);
      } else {
        canBeCreated("admin.token-file", admin.tokenFile());
      }
    } catch (IOException e) {
      add("admin.token-file", e);
    }
  }

  /** Checks that this machine has an address. The port may be that of a running broker. */
  private void address(String key, String host) {
    try (Socket socket = new Socket()) {
      socket.bind(new InetSocketAddress(host, 0));
    } catch (IOException e) {
      add(key, "cannot listen on " + host + ": " + FailureText.of(e));
    }
  }

  /** Checks the permission to write in the directory of a file, or the nearest one that exists. */
  private void canBeCreated(String key, Path file) {
    Path directory = file.toAbsolutePath().getParent();
    while (directory != null && Files.notExists(directory)) {
      directory = directory.getParent();
    }
    if (directory == null || !Files.isWritable(directory)) {
      add(key, "no permission to write to " + directory);
    }
  }

  private void add(String key, IOException e) {
    add(key, FailureText.of(e));
  }

  private void add(String key, String mistake) {
    mistakes.add("rendezvous." + key + ": " + mistake);
  }
}
