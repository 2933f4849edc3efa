package io.rendezvous.entry;

import java.util.UUID;

/** Listens to what any process does to entries. Called on any thread. */
@FunctionalInterface
public interface EntryListener {
  /**
   * Called when an entry was deleted or its secret was revoked. May be called more than once for
   * one revocation.
   */
  void revoked(UUID id);

  /**
   * Called when an entry has a password for clients, or another one than before, or may have one.
   * May be called more than once.
   */
  default void passwordSet(UUID id) {}
}
