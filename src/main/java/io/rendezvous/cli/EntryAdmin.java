package io.rendezvous.cli;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.Provisioning;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Entries as the commands look after them: by way of the broker where one runs, else alone. */
interface EntryAdmin extends AutoCloseable {
  /**
   * What is listed of an entry.
   *
   * @param created when, if it says so
   */
  record Line(UUID id, List<String> labels, Optional<String> created) {}

  /**
   * Creates an entry.
   *
   * @throws IllegalArgumentException if its UUID or one of its labels is taken
   */
  void create(Entry entry) throws IOException;

  /** Returns all entries, in no order. */
  List<Line> list() throws IOException;

  /**
   * Returns what a hidden server is handed.
   *
   * @param js whether it is for one that reads JavaScript
   */
  Optional<Provisioning> provisioning(UUID id, boolean js) throws IOException;

  /** Deletes an entry, and returns whether there was one. */
  boolean delete(UUID id) throws IOException;

  @Override
  void close();

  /** Opens them. */
  static EntryAdmin of(Installation installation) throws IOException {
    EntryStore store = installation.openStore();
    Optional<AdminClient> broker = AdminClient.find(installation.settings());
    if (broker.isEmpty() || !broker.get().uses(store)) {
      return new Alone(installation, store);
    }
    store.close();
    return broker.get();
  }

  /** On the store itself. */
  record Alone(Installation installation, EntryStore store) implements EntryAdmin {
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
