package io.rendezvous.cli;

import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.link.LinkIssuer;
import io.rendezvous.link.LinkKeyStore;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
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
   * Sets or removes the password of clients.
   *
   * @return whether there is such an entry
   * @throws IllegalArgumentException if the password cannot be used
   */
  boolean setPassword(UUID id, Optional<String> password) throws IOException;

  /**
   * Issues a link to a hidden server; empty if there is no such entry.
   *
   * @throws IllegalArgumentException if the path or the lifetime is not allowed, or the broker does
   *     not know its public host name
   */
  Optional<LinkIssuer.Issued> share(UUID id, String path, Duration lifetime) throws IOException;

  /** Revokes all links to a hidden server, and returns whether there is such an entry. */
  boolean unshare(UUID id) throws IOException;

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
    public boolean setPassword(UUID id, Optional<String> password) throws IOException {
      String realm = installation.settings().realm();
      Optional<ClientPassword> stored = password.map(text -> ClientPassword.of(id, realm, text));
      return store.change(id, entry -> entry.withPassword(stored)).isPresent();
    }

    @Override
    public Optional<LinkIssuer.Issued> share(UUID id, String path, Duration lifetime)
        throws IOException {
      Optional<Entry> entry = store.find(id);
      if (entry.isEmpty()) {
        return Optional.empty();
      }
      LinkKeyStore keys = new LinkKeyStore(installation.settings(), store);
      LinkIssuer issuer = new LinkIssuer(keys, installation.provisioner(), InstantSource.system());
      return Optional.of(issuer.issue(entry.get(), path, lifetime));
    }

    @Override
    public boolean unshare(UUID id) throws IOException {
      return store.change(id, entry -> entry.withLinksRevoked(Instant.now())).isPresent();
    }

    @Override
    public void close() {
      store.close();
    }
  }
}
