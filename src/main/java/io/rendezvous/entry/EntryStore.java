package io.rendezvous.entry;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * Where entries are kept. Other processes may read and write the same store.
 *
 * <p>Any thread may call, but no I/O thread: every call may block, for about two seconds at most.
 */
public interface EntryStore extends AutoCloseable {
  /**
   * Returns the entry of that UUID. What is there but cannot be read counts as missing, and the log
   * says so.
   *
   * @throws IOException if the store cannot be reached
   */
  Optional<Entry> find(UUID id) throws IOException;

  /**
   * Returns all entries, in no order. What cannot be read is left out, and the log says so.
   *
   * @throws IOException if the store cannot be reached
   */
  List<Entry> list() throws IOException;

  /**
   * Adds an entry.
   *
   * @throws IllegalArgumentException if its UUID or one of its labels is taken
   * @throws IOException if the store cannot be reached
   */
  void create(Entry entry) throws IOException;

  /**
   * Changes an entry, whatever others do to it meanwhile.
   *
   * @param how makes the new entry of the old one, with the same UUID; may be asked again
   * @return what it is now; empty if there is none
   * @throws IllegalArgumentException if one of its labels is taken, or what {@code how} throws
   * @throws IOException if the store cannot be reached
   */
  Optional<Entry> change(UUID id, UnaryOperator<Entry> how) throws IOException;

  /**
   * Deletes an entry, and tells all who listen, in this process and others.
   *
   * @return whether there was one
   * @throws IOException if the store cannot be reached
   */
  boolean delete(UUID id) throws IOException;

  /**
   * Begins to tell of deletions and revocations, whoever makes them, within two seconds. An entry
   * that is merely missing, because the store lost it or is away, was not deleted.
   *
   * @param listener is called on a thread of the store's, one call at a time
   */
  void onRevoked(Consumer<UUID> listener);

  /** Returns where it is, which tells one store from another. No password is in it. */
  String where();

  /** Lets go of what the store holds. */
  @Override
  void close();
}
