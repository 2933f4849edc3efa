package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.config.DurationText;
import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import io.rendezvous.link.Link;
import io.rendezvous.link.LinkIssuer;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.RoutingHandler;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;

/**
 * The part of the REST API that decides which clients reach a hidden server: the password of an
 * entry, and the links to it. Requests are answered on worker threads.
 */
final class ClientAccessApi {
  private static final int MAX_QR_TEXT = 2000; // more does not fit

  private final EntryAccess entries;
  private final JsonViews views;
  private final LinkIssuer links;
  private final String realm;
  private final InstantSource clock;

  /**
   * Creates the API.
   *
   * @param realm the realm of the broker's challenges
   */
  ClientAccessApi(
      EntryAccess entries, JsonViews views, LinkIssuer links, String realm, InstantSource clock) {
    this.entries = entries;
    this.views = views;
    this.links = links;
    this.realm = realm;
    this.clock = clock;
  }

  /** Adds the routes of the API. */
  void addTo(RoutingHandler routes) {
    String one = "/api/entries/{entry}";
    routes
        .put(one + "/password", ApiHandler.handler(this::setPassword))
        .delete(one + "/password", ApiHandler.handler(this::removePassword))
        .post(one + "/links", ApiHandler.handler(this::issueLink))
        .delete(one + "/links", ApiHandler.handler(this::revokeLinks))
        .post("/api/qr.svg", ApiHandler.handler(this::qr));
  }

  private void setPassword(HttpServerExchange exchange, byte[] body)
      throws ApiException, IOException {
    UUID id = entries.id(exchange);
    ObjectNode json = object(body, "password");
    ClientPassword password;
    try {
      password = ClientPassword.of(id, realm, json.path("password").asText());
    } catch (IllegalArgumentException e) {
      throw EntryRequest.invalid(String.valueOf(e.getMessage()));
    }
    Entry entry =
        entries
            .change(id, old -> old.withPassword(Optional.of(password)))
            .orElseThrow(EntryAccess::notFound);
    entries.changed(exchange, "set-password", id);
    ApiHandler.send(exchange, ApiHandler.JSON, views.entry(entry).toString());
  }

  private void removePassword(HttpServerExchange exchange, byte[] body)
      throws ApiException, IOException {
    UUID id = entries.id(exchange);
    changeOnly(id, old -> old.withPassword(Optional.empty()));
    entries.changed(exchange, "remove-password", id);
    exchange.setStatusCode(StatusCodes.NO_CONTENT).endExchange();
  }

  private void issueLink(HttpServerExchange exchange, byte[] body)
      throws ApiException, IOException {
    UUID id = entries.id(exchange);
    ObjectNode json = object(body, "for", "path");
    LinkIssuer.Issued link;
    try {
      Duration lifetime =
          json.has("for")
              ? DurationText.parse(json.path("for").asText())
              : LinkIssuer.DEFAULT_LIFETIME;
      link = links.issue(entries.find(id), json.path("path").asText(Link.DEFAULT_PATH), lifetime);
    } catch (IllegalArgumentException e) {
      throw EntryRequest.invalid(String.valueOf(e.getMessage()));
    }
    entries.audit(exchange, "share", id);
    exchange.setStatusCode(StatusCodes.CREATED);
    ObjectNode result =
        JsonNodeFactory.instance
            .objectNode()
            .put("url", link.url())
            .put("expires", link.expires().toString());
    ApiHandler.send(exchange, ApiHandler.JSON, result.toString());
  }

  private void revokeLinks(HttpServerExchange exchange, byte[] body)
      throws ApiException, IOException {
    UUID id = entries.id(exchange);
    changeOnly(id, old -> old.withLinksRevoked(clock.instant()));
    entries.changed(exchange, "unshare", id);
    exchange.setStatusCode(StatusCodes.NO_CONTENT).endExchange();
  }

  private void changeOnly(UUID id, UnaryOperator<Entry> change) throws ApiException, IOException {
    if (entries.change(id, change).isEmpty()) {
      throw EntryAccess.notFound();
    }
  }

  private void qr(HttpServerExchange exchange, byte[] body) throws ApiException {
    String text = object(body, "text").path("text").asText();
    if (text.isEmpty() || text.length() > MAX_QR_TEXT) {
      throw EntryRequest.invalid("\"text\" must have from 1 to " + MAX_QR_TEXT + " characters");
    }
    ApiHandler.send(exchange, "image/svg+xml", Qr.svg(text));
  }

  /** Returns the object in a body, whose values have to be strings. */
  private static ObjectNode object(byte[] body, String... keys) throws ApiException {
    ObjectNode json = EntryRequest.object(body);
    for (Iterator<String> names = json.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (!List.of(keys).contains(name) || !json.path(name).isTextual()) {
        throw EntryRequest.invalid(
            "the body may contain only strings with the keys " + String.join(", ", keys));
      }
    }
    return json;
  }
}
