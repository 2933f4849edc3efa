package io.rendezvous.link;

import io.rendezvous.config.AtomicFile;
import io.rendezvous.config.FileOwner;
import io.rendezvous.config.Settings;
import io.rendezvous.entry.EntryStore;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the key of links. It is in the store of entries if that shares secrets, and else in the
 * file {@code link.key} of the data directory. Whoever needs the key first creates it: the broker
 * or a command.
 *
 * <p>Any thread may call. {@link #get} may block, and no I/O thread may call it.
 */
public final class LinkKeyStore {
  private static final String FILE = "link.key";
  private static final String NAME = "link-key";

  private final EntryStore store;
  private final Path file;
  private volatile @Nullable LinkKey known;

  /**
   * Creates an object that reads the key when it is first needed.
   *
   * @param store the store of entries
   */
  public LinkKeyStore(Settings settings, EntryStore store) {
    this(store, settings.admin().ledger().resolveSibling(FILE));
  }

  LinkKeyStore(EntryStore store, Path file) {
    this.store = store;
    this.file = file;
  }

  /**
   * Returns the key, which is created if there is none yet.
   *
   * @throws IOException if the key can be neither read nor created
   */
  public LinkKey get() throws IOException {
    LinkKey key = known;
    if (key == null) {
      key = new LinkKey(read());
      known = key;
    }
    return key;
  }

  /** Returns the key if {@link #get} has returned it before. I/O threads may call. */
  public Optional<LinkKey> known() {
    return Optional.ofNullable(known);
  }

  private byte[] read() throws IOException {
    String candidate = Base64.getEncoder().encodeToString(LinkKey.create());
    Optional<String> shared = store.sharedSecret(NAME, candidate);
    return shared.isPresent() ? decode(shared.get()) : readFile();
  }

  private byte[] decode(String text) throws IOException {
    try {
      return checked(Base64.getDecoder().decode(text), store.where());
    } catch (IllegalArgumentException e) {
      return checked(new byte[0], store.where());
    }
  }

  private byte[] readFile() throws IOException {
    try {
      return checked(Files.readAllBytes(file), file.toString());
    } catch (NoSuchFileException e) {
      create();
      return checked(Files.readAllBytes(file), file.toString());
    }
  }

  private void create() throws IOException {
    FileOwner.createDirectoryOf(file);
    try {
      AtomicFile.createSecret(file, LinkKey.create());
    } catch (FileAlreadyExistsException e) {
      // Another process was faster, and its key counts.
    }
  }

  private static byte[] checked(byte[] key, String where) throws IOException {
    if (key.length != LinkKey.BYTES) {
      throw new IOException(
          "the link key of " + where + " is damaged; delete it, and all links become void");
    }
    return key;
  }
}
