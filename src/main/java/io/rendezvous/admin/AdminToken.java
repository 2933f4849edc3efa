package io.rendezvous.admin;

import io.rendezvous.config.Settings;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;

/** The token that opens the admin page: the one that is set, or one that is made and kept. */
public final class AdminToken {
  /** Where it is kept; relative to the working directory. */
  public static final Path FILE = Path.of("data", "admin.token");

  private static final int OCTETS = 32;

  private AdminToken() {}

  /** Returns whether there is one, or none is asked for. */
  public static boolean exists(Settings.AdminSettings settings) {
    return settings.token().isPresent() || Files.exists(FILE);
  }

  /**
   * Returns the token, and makes it if there is none yet.
   *
   * @return empty if none is asked for
   * @throws IOException if it can be neither read nor made
   */
  public static Optional<String> of(Settings.AdminSettings settings) throws IOException {
    Optional<String> set = settings.token();
    if (set.isPresent()) {
      return set.filter(token -> !token.equals(Settings.AdminSettings.NO_TOKEN));
    }
    try {
      return Optional.of(kept());
    } catch (NoSuchFileException e) {
      return Optional.of(made());
    }
  }

  private static String kept() throws IOException {
    String token = Files.readString(FILE).strip();
    if (token.isEmpty()) {
      throw new IOException(FILE + " is empty; delete it, and a token will be made");
    }
    return token;
  }

  /** Nobody sees half of it, and the first one stays, where the file system has links. */
  private static void link(Path aside) throws IOException {
    try {
      Files.createLink(FILE, aside);
    } catch (FileAlreadyExistsException e) {
      throw e;
    } catch (FileSystemException | UnsupportedOperationException e) {
      Files.move(aside, FILE, StandardCopyOption.ATOMIC_MOVE);
    }
  }

  private static String made() throws IOException {
    byte[] octets = new byte[OCTETS];
    new SecureRandom().nextBytes(octets);
    String token = Base64.getUrlEncoder().withoutPadding().encodeToString(octets);
    Path parent = FILE.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    var ownersOnly =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    Path aside = Files.createTempFile(parent, ".token", ".tmp", ownersOnly);
    try {
      Files.writeString(aside, token + "\n", StandardOpenOption.WRITE);
      link(aside);
      return token;
    } catch (FileAlreadyExistsException e) {
      return kept();
    } finally {
      Files.deleteIfExists(aside);
    }
  }
}
