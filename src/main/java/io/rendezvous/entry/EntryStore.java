package io.rendezvous.entry;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;

/**
 * A store of entries. Other processes may read and write it at the same time.
 *
 * <p>Any thread may call, except I/O threads: each call may block, for about two seconds at most.
 */
public interface EntryStore extends AutoCloseable {
  /**
   * Returns the entry of a UUID. An entry that exists but cannot be read counts as missing, and the
   * log says so.
   *
   * @throws IOException if the store cannot be reached
   */
  Optional<Entry> find(UUID id) throws IOException;

  /**
   * Returns all entries, in no particular order. Entries that cannot be read are left out, and the
   * log says so.
   *
   * @throws IOException if the store cannot be reached
   */
  List<Entry> list() throws IOException;

  /**
   * Adds an entry.
   *
   * @throws IllegalArgumentException if its UUID or one of its labels is already taken
   * @throws IOException if the store cannot be reached
   */
  void create(Entry entry) throws IOException;

  /**
   * Changes an entry atomically.
   *
   * @param how returns the new entry for the old one, with the same UUID; it may be called several
   *     times, if others change the entry meanwhile
   * @return the changed entry, or empty if there is none with that UUID
   * @throws IllegalArgumentException if one of its new labels is already taken; whatever {@code
   *     how} throws is passed on
   * @throws IOException if the store cannot be reached
   */
  Optional<Entry> change(UUID id, UnaryOperator<Entry> how) throws IOException;

  /**
   * Deletes an entry, and tells the listeners of this process and of others.
   *
   * @return whether there was an entry of that UUID
   * @throws IOException if the store cannot be reached
   */
  boolean delete(UUID id) throws IOException;

  /**
   * Starts to report changes by any process, within two seconds. An entry that is merely missing,
   * because the store has lost it or cannot be reached, was not deleted. To be called once.
   */
  void onChange(EntryListener listener);

  /**
   * Returns a secret that all brokers of this store have in common. The first caller creates it.
   *
   * @param name the name of the secret
   * @param candidate becomes the secret if there is none yet; a random text
   * @return empty if the store shares no secrets, so that each data directory has its own
   * @throws IOException if the store cannot be reached
   */
  Optional<String> sharedSecret(String name, String candidate) throws IOException;

  /** Returns the location of the store, which identifies it, without a password. */
  String where();

  /** Releases the connections and threads of the store. */
  @Override
  void close();
}
