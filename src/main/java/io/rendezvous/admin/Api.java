package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.Provisioner;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.tunnel.Presence;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.RoutingHandler;
import io.undertow.util.Headers;
import io.undertow.util.PathTemplateMatch;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The part of the REST API that shows and changes single entries, for the page, the commands and
 * other programs. Each change, and each request for a secret, is a line of the log {@code
 * rendezvous.audit}, which contains no secret. Requests are answered on worker threads.
 */
final class Api {
  private static final Logger AUDIT = LoggerFactory.getLogger("rendezvous.audit");
  private static final Pattern OVERLAP = Pattern.compile("(\\d{1,7})([smhd])");
  private static final Duration MAX_OVERLAP = Duration.ofDays(30);
  private static final String JSON = "application/json";
  private static final String SVG = "image/svg+xml";

  private final EntryStore store;
  private final EntryIndex index;
  private final Presence presence;
  private final Provisioner provisioner;
  private final RequestsApi requests;
  private final JsonViews views;
  private final Runnable onChange;
  private final InstantSource clock;

  /**
   * Creates the API.
   *
   * @param onChange runs after each change, on the worker that made it
   */
  Api(AdminServer.BrokerParts parts, JsonViews views, Runnable onChange, InstantSource clock) {
    this.store = parts.store();
    this.index = parts.index();
    this.presence = parts.presence();
    this.provisioner = parts.provisioner();
    this.requests = new RequestsApi(parts.requests());
    this.views = views;
    this.onChange = onChange;
    this.clock = clock;
  }

  /** Adds the routes of the API. */
  void addTo(RoutingHandler routes) {
    String one = "/api/entries/{entry}";
    routes
        .post("/api/entries", ApiHandler.handler(this::create))
        .get(one, ApiHandler.handler((exchange, body) -> send(exchange, find(id(exchange)))))
        .put(one, ApiHandler.handler(this::put))
        .delete(one, ApiHandler.handler(this::delete))
        .post(one + "/rotate", ApiHandler.handler(this::rotate))
        .post(one + "/revoke", ApiHandler.handler(this::revoke))
        .post(one + "/provisioning.json", ApiHandler.handler((e, b) -> provision(e, false)))
        .post(one + "/provisioning.js", ApiHandler.handler((e, b) -> provision(e, true)))
        .post(one + "/qr.svg", ApiHandler.handler(this::secretQr))
        .get(one + "/url.svg", ApiHandler.handler(this::urlQr))
        .get(
            one + "/requests",
            ApiHandler.handler(
                (exchange, body) -> requests.answer(exchange, find(id(exchange)).id())));
  }

  /** Returns the UUID that the path contains, or that of the entry whose label it contains. */
  private UUID id(HttpServerExchange exchange) throws ApiException, IOException {
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

  private Entry find(UUID id) throws ApiException, IOException {
    return store.find(id).orElseThrow(Api::notFound);
  }

  private static ApiException notFound() {
    return new ApiException(StatusCodes.NOT_FOUND, "there is no entry with this UUID");
  }

  private void send(HttpServerExchange exchange, Entry entry) {
    ApiHandler.send(exchange, JSON, views.entry(entry).toString());
  }

  private void changed(HttpServerExchange exchange, String action, UUID id) {
    audit(exchange, action, id);
    onChange.run();
  }

  private static void audit(HttpServerExchange exchange, String action, UUID id) {
    AUDIT.info(
        "action={} entry={} by={}",
        action,
        id.toString().substring(0, 8),
        exchange.getSourceAddress().getAddress().getHostAddress());
  }

  private void create(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    EntryRequest request = EntryRequest.parse(body);
    create(exchange, request, request.id().orElseGet(UUID::randomUUID));
  }

  private void create(HttpServerExchange exchange, EntryRequest request, UUID id)
      throws ApiException, IOException {
    Entry entry;
    try {
      entry =
          Entry.create(
                  id,
                  request.labels(List.of()),
                  request.digits(EntryRequest.DEFAULT_DIGITS),
                  clock.instant(),
                  request.flags(List.of()))
              .withRelay(request.relay(Optional.empty()));
    } catch (IllegalArgumentException e) {
      throw EntryRequest.invalid(String.valueOf(e.getMessage()));
    }
    try {
      store.create(entry);
    } catch (IllegalArgumentException e) {
      throw new ApiException(StatusCodes.CONFLICT, String.valueOf(e.getMessage()));
    }
    index.put(entry);
    changed(exchange, "create", id);
    exchange.setStatusCode(StatusCodes.CREATED);
    exchange.getResponseHeaders().put(Headers.LOCATION, "/api/entries/" + id);
    send(exchange, entry);
  }

  private void put(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    UUID id = id(exchange);
    EntryRequest request = EntryRequest.parse(body);
    if (request.id().filter(other -> !other.equals(id)).isPresent()) {
      throw EntryRequest.invalid("the UUID of an entry cannot be changed");
    }
    Optional<Entry> changed =
        change(
            id,
            old ->
                old.with(
                        request.labels(old.labels()),
                        request.digits(old.totp().digits()),
                        request.flags(old.flags()))
                    .withRelay(request.relay(old.relay())));
    if (changed.isEmpty()) {
      create(exchange, request, id);
      return;
    }
    changed(exchange, "change", id);
    send(exchange, changed.get());
  }

  /**
   * Applies a change to an entry. If the result is invalid, the response is a 400; if a label is
   * taken, a 409.
   *
   * @return empty if there is no entry with that UUID
   */
  private Optional<Entry> change(UUID id, UnaryOperator<Entry> change)
      throws ApiException, IOException {
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

  private void delete(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    UUID id = id(exchange);
    boolean deleted = store.delete(id);
    index.remove(id);
    if (deleted) {
      presence.revoke(id); // at once; the store reports the deletion within two seconds
      changed(exchange, "delete", id);
    }
    exchange.setStatusCode(StatusCodes.NO_CONTENT);
    exchange.endExchange();
  }

  private void rotate(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    Duration overlap = overlap(EntryRequest.object(body));
    Instant now = clock.instant();
    UUID id = id(exchange);
    Entry entry = change(id, old -> old.rotated(now, overlap)).orElseThrow(Api::notFound);
    changed(exchange, "rotate", id);
    send(exchange, entry);
  }

  private static Duration overlap(ObjectNode json) throws ApiException {
    Matcher matcher = OVERLAP.matcher(json.path("overlap").asText("1h"));
    if (json.size() > (json.has("overlap") ? 1 : 0) || !matcher.matches()) {
      throw EntryRequest.invalid(
          "the body may contain only \"overlap\", a time such as 0s, 30m, 1h or 7d");
    }
    long amount = Long.parseLong(matcher.group(1));
    Duration overlap =
        switch (matcher.group(2)) {
          case "s" -> Duration.ofSeconds(amount);
          case "m" -> Duration.ofMinutes(amount);
          case "h" -> Duration.ofHours(amount);
          default -> Duration.ofDays(amount);
        };
    if (overlap.compareTo(MAX_OVERLAP) > 0) {
      throw EntryRequest.invalid("\"overlap\" must not be longer than 30 days");
    }
    return overlap;
  }

  private void revoke(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    UUID id = id(exchange);
    Instant now = clock.instant();
    Entry entry = change(id, old -> old.revoked(now)).orElseThrow(Api::notFound);
    presence.revoke(id); // at once; the store reports the revocation within two seconds
    changed(exchange, "revoke", id);
    send(exchange, entry);
  }

  private void provision(HttpServerExchange exchange, boolean js) throws ApiException, IOException {
    UUID id = id(exchange);
    Provisioning provisioning = provisioner.of(find(id), js);
    audit(exchange, "show-secret", id);
    String name = id + (js ? ".js" : ".provisioning.json");
    exchange
        .getResponseHeaders()
        .put(Headers.CONTENT_DISPOSITION, "attachment; filename=\"" + name + "\"");
    ApiHandler.send(
        exchange,
        js ? "text/javascript" : JSON,
        (js ? provisioning.toJs() : provisioning.toJson()) + "\n");
  }

  private void secretQr(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    UUID id = id(exchange);
    String otpauth = provisioner.of(find(id), false).toOtpauth();
    audit(exchange, "show-secret", id);
    ApiHandler.send(exchange, SVG, Qr.svg(otpauth));
  }

  private void urlQr(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    ApiHandler.send(exchange, SVG, Qr.svg(provisioner.url(find(id(exchange)))));
  }
}
