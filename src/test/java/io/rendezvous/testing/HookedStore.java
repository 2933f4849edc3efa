package io.rendezvous.testing;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryListener;
import io.rendezvous.entry.EntryStore;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;

/** A store that does as a test says when an entry is looked up or changed. */
public final class HookedStore implements EntryStore {
  private final Map<UUID, Entry> entries = new ConcurrentHashMap<>();
  private final List<EntryListener> listeners = new CopyOnWriteArrayList<>();
  private volatile Hook hook = id -> {};

  /** What happens when an entry was looked up or changed, before the answer. */
  public interface Hook {
    /** Does it, or fails in place of the store. */
    void found(UUID id) throws IOException;
  }

  /** Sets what happens from now on. */
  public void hook(Hook now) {
    hook = now;
  }

  @Override
  public Optional<Entry> find(UUID id) throws IOException {
    Optional<Entry> found = Optional.ofNullable(entries.get(id));
    hook.found(id);
    return found;
  }

  @Override
  public List<Entry> list() {
    return List.copyOf(entries.values());
  }

  @Override
  public void create(Entry entry) {
    entries.put(entry.id(), entry);
  }

  @Override
  public Optional<Entry> change(UUID id, UnaryOperator<Entry> how) throws IOException {
    Optional<Entry> changed =
        Optional.ofNullable(entries.computeIfPresent(id, (same, old) -> how.apply(old)));
    hook.found(id);
    return changed;
  }

  @Override
  public boolean delete(UUID id) {
    listeners.forEach(listener -> listener.revoked(id));
    return entries.remove(id) != null;
  }

  /** Tells the listeners that an entry has a password now. */
  public void tellOfPassword(UUID id) {
    listeners.forEach(listener -> listener.passwordSet(id));
  }

  @Override
  public void onChange(EntryListener listener) {
    listeners.add(listener);
  }

  @Override
  public Optional<String> sharedSecret(String name, String candidate) {
    return Optional.empty();
  }

  @Override
  public String where() {
    return "memory";
  }

  @Override
  public void close() {}
}
