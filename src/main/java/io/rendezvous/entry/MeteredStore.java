package io.rendezvous.entry;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** Tells how long each call of another store takes, and whether that could be reached. */
public final class MeteredStore implements EntryStore {
  /** What a store was asked for. */
  public enum Operation {
    /** {@link EntryStore#find}. */
    FIND,
    /** {@link EntryStore#list}. */
    LIST,
    /** {@link EntryStore#create}. */
    CREATE,
    /** {@link EntryStore#change}. */
    CHANGE,
    /** {@link EntryStore#delete}. */
    DELETE
  }

  /** Hears of every call, on the thread of its caller. */
  public interface Listener {
    /**
     * A call is over.
     *
     * @param failed whether the store could not be reached
     */
    void called(Operation operation, Duration took, boolean failed);
  }

  private interface Call<T> {
    T run() throws IOException;
  }

  private final EntryStore store;
  private final Listener listener;

  /** Begins to watch a store. */
  public MeteredStore(EntryStore store, Listener listener) {
    this.store = store;
    this.listener = listener;
  }

  private <T> T timed(Operation operation, Call<T> call) throws IOException {
    long began = System.nanoTime();
    boolean failed = false;
    try {
      return call.run();
    } catch (IOException e) {
      failed = true;
      throw e;
    } finally {
      listener.called(operation, Duration.ofNanos(System.nanoTime() - began), failed);
    }
  }

  @Override
  public Optional<Entry> find(UUID id) throws IOException {
    return timed(Operation.FIND, () -> store.find(id));
  }

  @Override
  public List<Entry> list() throws IOException {
    return timed(Operation.LIST, store::list);
  }

  @Override
  public void create(Entry entry) throws IOException {
    timed(
        Operation.CREATE,
        () -> {
          store.create(entry);
          return entry;
        });
  }

  @Override
  public Optional<Entry> change(UUID id, UnaryOperator<Entry> how) throws IOException {
    return timed(Operation.CHANGE, () -> store.change(id, how));
  }

  @Override
  public boolean delete(UUID id) throws IOException {
    return timed(Operation.DELETE, () -> store.delete(id));
  }

  @Override
  public void onRevoked(Consumer<UUID> listener) {
    store.onRevoked(listener);
  }

  @Override
  public String where() {
    return store.where();
  }

  @Override
  public void close() {
    store.close();
  }
}
