package io.rendezvous.cli;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.Provisioning;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Manages entries for the commands: through the broker if one runs, else in the store itself. */
interface EntryAdmin extends AutoCloseable {
  /**
   * One entry of a list.
   *
   * @param created when it was created, if the entry says so
   */
  record Line(UUID id, List<String> labels, Optional<String> created) {}

  /**
   * Creates an entry.
   *
   * @throws IllegalArgumentException if its UUID or one of its labels is taken
   */
  void create(Entry entry) throws IOException;

  /** Returns all entries, in no particular order. */
  List<Line> list() throws IOException;

  /**
   * Returns what the hidden server of an entry needs; empty if there is no such entry.
   *
   * @param js whether it is meant for the JavaScript form, which always contains the CA
   */
  Optional<Provisioning> provisioning(UUID id, boolean js) throws IOException;

  /** Deletes an entry, and returns whether there was one. */
  boolean delete(UUID id) throws IOException;

  @Override
  void close();

  /** Connects to the running broker of this installation, or opens its store. */
  static EntryAdmin of(Installation installation) throws IOException {
    EntryStore store = installation.openStore();
    Optional<AdminClient> broker = AdminClient.find(installation.settings());
    if (broker.isEmpty() || !broker.get().uses(store)) {
      return new Offline(installation, store);
    }
    store.close();
    return broker.get();
  }

  /** Manages entries in the store itself, without a broker. */
  record Offline(Installation installation, EntryStore store) implements EntryAdmin {
    @Override
    public void create(Entry entry) throws IOException {
      store.create(entry);
    }

    @Override
    public List<Line> list() throws IOException {
      return store.list().stream()
          .map(entry -> new Line(entry.id(), entry.labels(), entry.created()))
          .toList();
    }

    @Override
    public Optional<Provisioning> provisioning(UUID id, boolean js) throws IOException {
      Optional<Entry> entry = store.find(id);
      return entry.isEmpty()
          ? Optional.empty()
          : Optional.of(installation.provisioner().of(entry.get(), js));
    }

    @Override
    public boolean delete(UUID id) throws IOException {
      return store.delete(id);
    }

    @Override
    public void close() {
      store.close();
    }
  }
}
