package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.config.DurationText;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.Provisioner;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.tunnel.Presence;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.RoutingHandler;
import io.undertow.util.Headers;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The part of the REST API that shows and changes single entries, for the page, the commands and
 * other programs. Requests are answered on worker threads.
 */
final class Api {
  private static final Duration MAX_OVERLAP = Duration.ofDays(30);
  private static final String SVG = "image/svg+xml";

  private final EntryAccess entries;
  private final EntryStore store;
  private final EntryIndex index;
  private final Presence presence;
  private final Provisioner provisioner;
  private final RequestsApi requests;
  private final JsonViews views;
  private final InstantSource clock;

  Api(AdminServer.BrokerParts parts, EntryAccess entries, JsonViews views, InstantSource clock) {
    this.entries = entries;
    this.store = parts.store();
    this.index = parts.index();
    this.presence = parts.presence();
    this.provisioner = parts.provisioner();
    this.requests = new RequestsApi(parts.requests());
    this.views = views;
    this.clock = clock;
  }

  /** Adds the routes of the API. */
  void addTo(RoutingHandler routes) {
    String one = "/api/entries/{entry}";
    routes
        .post("/api/entries", ApiHandler.handler(this::create))
        .get(
            one,
            ApiHandler.handler(
                (exchange, body) -> send(exchange, entries.find(entries.id(exchange)))))
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
                (exchange, body) ->
                    requests.answer(exchange, entries.find(entries.id(exchange)).id())));
  }

  private void send(HttpServerExchange exchange, Entry entry) {
    ApiHandler.send(exchange, ApiHandler.JSON, views.entry(entry).toString());
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
    entries.changed(exchange, "create", id);
    exchange.setStatusCode(StatusCodes.CREATED);
    exchange.getResponseHeaders().put(Headers.LOCATION, "/api/entries/" + id);
    send(exchange, entry);
  }

  private void put(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    UUID id = entries.id(exchange);
    EntryRequest request = EntryRequest.parse(body);
    if (request.id().filter(other -> !other.equals(id)).isPresent()) {
      throw EntryRequest.invalid("the UUID of an entry cannot be changed");
    }
    Optional<Entry> changed =
        entries.change(
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
    entries.changed(exchange, "change", id);
    send(exchange, changed.get());
  }

  private void delete(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    UUID id = entries.id(exchange);
    boolean deleted = store.delete(id);
    index.remove(id);
    if (deleted) {
      presence.revoke(id); // at once; the store reports the deletion within two seconds
      entries.changed(exchange, "delete", id);
    }
    exchange.setStatusCode(StatusCodes.NO_CONTENT);
    exchange.endExchange();
  }

  private void rotate(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    Duration overlap = overlap(EntryRequest.object(body));
    Instant now = clock.instant();
    UUID id = entries.id(exchange);
    Entry entry =
        entries.change(id, old -> old.rotated(now, overlap)).orElseThrow(EntryAccess::notFound);
    entries.changed(exchange, "rotate", id);
    send(exchange, entry);
  }

  private static Duration overlap(ObjectNode json) throws ApiException {
    Duration overlap;
    try {
      overlap = DurationText.parse(json.path("overlap").asText("1h"));
    } catch (IllegalArgumentException e) {
      throw wrongOverlap();
    }
    if (json.size() > (json.has("overlap") ? 1 : 0)) {
      throw wrongOverlap();
    }
    if (overlap.compareTo(MAX_OVERLAP) > 0) {
      throw EntryRequest.invalid("\"overlap\" must not be longer than 30 days");
    }
    return overlap;
  }

  private static ApiException wrongOverlap() {
    return EntryRequest.invalid(
        "the body may contain only \"overlap\", a time such as 0s, 30m, 1h or 7d");
  }

  private void revoke(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    UUID id = entries.id(exchange);
    Instant now = clock.instant();
    Entry entry = entries.change(id, old -> old.revoked(now)).orElseThrow(EntryAccess::notFound);
    presence.revoke(id); // at once; the store reports the revocation within two seconds
    entries.changed(exchange, "revoke", id);
    send(exchange, entry);
  }

  private void provision(HttpServerExchange exchange, boolean js) throws ApiException, IOException {
    UUID id = entries.id(exchange);
    Provisioning provisioning = provisioner.of(entries.find(id), js);
    entries.audit(exchange, "show-secret", id);
    String name = id + (js ? ".js" : ".provisioning.json");
    exchange
        .getResponseHeaders()
        .put(Headers.CONTENT_DISPOSITION, "attachment; filename=\"" + name + "\"");
    ApiHandler.send(
        exchange,
        js ? "text/javascript" : ApiHandler.JSON,
        (js ? provisioning.toJs() : provisioning.toJson()) + "\n");
  }

  private void secretQr(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    UUID id = entries.id(exchange);
    String otpauth = provisioner.of(entries.find(id), false).toOtpauth();
    entries.audit(exchange, "show-secret", id);
    ApiHandler.send(exchange, SVG, Qr.svg(otpauth));
  }

  private void urlQr(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    ApiHandler.send(exchange, SVG, Qr.svg(provisioner.url(entries.find(entries.id(exchange)))));
  }
}
