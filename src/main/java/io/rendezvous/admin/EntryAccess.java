package io.rendezvous.admin;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.EntryStore;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.PathTemplateMatch;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds and changes the entries that requests to the API name. Each change, and each request for a
 * secret, is a line of the log {@code rendezvous.audit}, which contains no secret. Called on worker
 * threads.
 */
final class EntryAccess {
  private static final Logger AUDIT = LoggerFactory.getLogger("rendezvous.audit");

  private final EntryStore store;
  private final EntryIndex index;
  private final Runnable onChange;

  /**
   * Creates the access to the entries of a store.
   *
   * @param onChange runs after each change, on the worker that made it
   */
  EntryAccess(EntryStore store, EntryIndex index, Runnable onChange) {
    this.store = store;
    this.index = index;
    this.onChange = onChange;
  }

  /** Returns the UUID that the path contains, or that of the entry whose label it contains. */
  UUID id(HttpServerExchange exchange) throws ApiException, IOException {
    PathTemplateMatch match = exchange.getAttachment(PathTemplateMatch.ATTACHMENT_KEY);
    String name = String.valueOf(match.getParameters().get("entry"));
    Optional<UUID> id = Entry.parseId(name);
    return id.isPresent() ? id.get() : idOfLabel(name);
  }

  private UUID idOfLabel(String name) throws ApiException, IOException {
    String label;
    try {
      label = Entry.checkLabel(name);
    } catch (IllegalArgumentException e) {
      throw EntryRequest.invalid("the path contains neither a UUID nor a label");
    }
    Optional<Entry> indexed = index.labelled(label);
    if (indexed.isPresent()) {
      UUID id = indexed.get().id();
      if (find(id).labels().contains(label)) { // the index may be seconds old
        return id;
      }
    }
    throw new ApiException(StatusCodes.NOT_FOUND, "there is no entry with this label");
  }

  /** Returns the entry of a UUID. If there is none, the response is a 404. */
  Entry find(UUID id) throws ApiException, IOException {
    return store.find(id).orElseThrow(EntryAccess::notFound);
  }

  static ApiException notFound() {
    return new ApiException(StatusCodes.NOT_FOUND, "there is no entry with this UUID");
  }

  /**
   * Applies a change to an entry. If the result is invalid, the response is a 400; if a label is
   * taken, a 409.
   *
   * @return empty if there is no entry with that UUID
   */
  Optional<Entry> change(UUID id, UnaryOperator<Entry> change) throws ApiException, IOException {
    boolean[] isValid = new boolean[1];
    try {
      Optional<Entry> changed =
          store.change(
              id,
              old -> {
                isValid[0] = false;
                Entry entry = change.apply(old);
                isValid[0] = true;
                return entry;
              });
      changed.ifPresent(index::put);
      return changed;
    } catch (IllegalArgumentException e) {
      throw new ApiException(
          isValid[0] ? StatusCodes.CONFLICT : StatusCodes.BAD_REQUEST,
          String.valueOf(e.getMessage()));
    }
  }

  /** Logs a change that was made, and tells those who show entries. */
  void changed(HttpServerExchange exchange, String action, UUID id) {
    audit(exchange, action, id);
    onChange.run();
  }

  /** Logs an action. */
  void audit(HttpServerExchange exchange, String action, UUID id) {
    AUDIT.info(
        "action={} entry={} by={}",
        action,
        id.toString().substring(0, 8),
        exchange.getSourceAddress().getAddress().getHostAddress());
  }
}
