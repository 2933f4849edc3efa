package io.rendezvous.admin;

import io.rendezvous.config.AtomicFile;
import io.rendezvous.config.FileOwner;
import io.rendezvous.config.Settings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;

/**
 * The token that opens the admin page. It comes from the settings, or else from a file that is
 * created with a random token. Any thread may call, except I/O threads.
 */
public final class AdminToken {
  private static final int TOKEN_BYTES = 32;

  private AdminToken() {}

  /** Returns whether there is a token already, or none is needed. */
  public static boolean exists(Settings.AdminSettings settings) {
    return settings.token().isPresent() || Files.exists(settings.tokenFile());
  }

  /**
   * Returns the token, which is created if there is none yet.
   *
   * @return empty if no token is needed
   * @throws IOException if the token can be neither read nor created
   */
  public static Optional<String> of(Settings.AdminSettings settings) throws IOException {
    Optional<String> setting = settings.token();
    if (setting.isPresent()) {
      return setting.filter(token -> !token.equals(Settings.AdminSettings.NO_TOKEN));
    }
    Path file = settings.tokenFile();
    try {
      return Optional.of(read(file));
    } catch (NoSuchFileException e) {
      return Optional.of(create(file));
    }
  }

  private static String read(Path file) throws IOException {
    String token = Files.readString(file).strip();
    if (token.isEmpty()) {
      throw new IOException(file + " is empty; delete it, and a new token will be created");
    }
    return token;
  }

  private static String create(Path file) throws IOException {
    byte[] bytes = new byte[TOKEN_BYTES];
    new SecureRandom().nextBytes(bytes);
    String token = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    FileOwner.createDirectoryOf(file);
    try {
      AtomicFile.createSecret(file, (token + "\n").getBytes(StandardCharsets.US_ASCII));
      return token;
    } catch (FileAlreadyExistsException e) { // another process was faster
      return read(file);
    }
  }
}
