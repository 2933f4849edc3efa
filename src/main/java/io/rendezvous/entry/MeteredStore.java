package io.rendezvous.entry;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;

/** A store that measures the calls to another: how long each takes, and whether it fails. */
public final class MeteredStore implements EntryStore {
  /** A method of the store. */
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

  /** Receives the result of each call, on the thread of its caller. */
  public interface Listener {
    /**
     * Records a call that has returned or thrown.
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

  /** Wraps a store. */
  public MeteredStore(EntryStore store, Listener listener) {
    this.store = store;
    this.listener = listener;
  }

  private <T> T timed(Operation operation, Call<T> call) throws IOException {
    long start = System.nanoTime();
    boolean failed = false;
    try {
      return call.run();
    } catch (IOException e) {
      failed = true;
      throw e;
    } finally {
      listener.called(operation, Duration.ofNanos(System.nanoTime() - start), failed);
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
  public void onChange(EntryListener entryListener) {
    store.onChange(entryListener);
  }

  @Override
  public Optional<String> sharedSecret(String name, String candidate) throws IOException {
    return store.sharedSecret(name, candidate);
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
