package io.rendezvous.cli;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.Provisioning;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;

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

  /**
   * Returns the UUID of the entry that a person names by its UUID or by a label.
   *
   * @throws IOException if no entry or more than one has the label
   */
  default UUID idOf(String name) throws IOException {
    Optional<UUID> id = Entry.parseId(name);
    if (id.isPresent()) {
      return id.get();
    }
    String label = name.toLowerCase(Locale.ROOT);
    List<UUID> named =
        list().stream()
            .filter(entry -> entry.labels().stream().anyMatch(one -> isNamed(one, label)))
            .map(Line::id)
            .sorted()
            .toList();
    if (named.isEmpty()) {
      throw new IOException("No entry with UUID or label " + name);
    }
    if (named.size() > 1) {
      throw new IOException(
          "More than one entry has the label " + name + "; use one of their UUIDs: " + join(named));
    }
    return named.get(0);
  }

  /** Returns whether a label is the given one, whose port may be left out. */
  private static boolean isNamed(String label, String given) {
    return label.equals(given) || label.startsWith(given + ":");
  }

  private static String join(List<UUID> ids) {
    return ids.stream().map(UUID::toString).collect(Collectors.joining(", "));
  }

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
