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
 * Entries, as they are looked after over HTTP: what the page, the commands and other programs use.
 * Each change is told to the log {@code rendezvous.audit}, without a secret.
 */
final class Api {
  private static final Logger AUDIT = LoggerFactory.getLogger("rendezvous.audit");
  private static final Pattern OVERLAP = Pattern.compile("(\\d{1,7})([smhd])");
  private static final Duration LONGEST_OVERLAP = Duration.ofDays(30);
  private static final String JSON = "application/json";
  private static final String SVG = "image/svg+xml";

  private final EntryStore store;
  private final EntryIndex index;
  private final Presence tunnels;
  private final Provisioner provisioner;
  private final JsonViews views;
  private final Runnable onChange;
  private final InstantSource clock;

  /**
   * Creates one.
   *
   * @param onChange is run after each change
   */
  Api(
      EntryStore store,
      EntryIndex index,
      Presence tunnels,
      Provisioner provisioner,
      JsonViews views,
      Runnable onChange,
      InstantSource clock) {
    this.store = store;
    this.index = index;
    this.tunnels = tunnels;
    this.provisioner = provisioner;
    this.views = views;
    this.onChange = onChange;
    this.clock = clock;
  }

  /** Adds what is to be had of it. */
  void addTo(RoutingHandler routes) {
    String one = "/api/entries/{uuid}";
    routes
        .post("/api/entries", ApiHandler.handler(this::create))
        .get(one, ApiHandler.handler((exchange, body) -> answer(exchange, found(id(exchange)))))
        .put(one, ApiHandler.handler(this::put))
        .delete(one, ApiHandler.handler(this::delete))
        .post(one + "/rotate", ApiHandler.handler(this::rotate))
        .post(one + "/revoke", ApiHandler.handler(this::revoke))
        .post(one + "/provisioning.json", ApiHandler.handler((e, b) -> provision(e, false)))
        .post(one + "/provisioning.js", ApiHandler.handler((e, b) -> provision(e, true)))
        .post(one + "/qr.svg", ApiHandler.handler(this::secretQr))
        .get(one + "/url.svg", ApiHandler.handler(this::urlQr));
  }

  private static UUID id(HttpServerExchange exchange) throws ApiException {
    PathTemplateMatch match = exchange.getAttachment(PathTemplateMatch.ATTACHMENT_KEY);
    return Optional.ofNullable(match.getParameters().get("uuid"))
        .flatMap(Entry::parseId)
        .orElseThrow(() -> EntryRequest.bad("that is not a UUID"));
  }

  private Entry found(UUID id) throws ApiException, IOException {
    return store.find(id).orElseThrow(Api::missing);
  }

  private static ApiException missing() {
    return new ApiException(StatusCodes.NOT_FOUND, "there is no entry with that UUID");
  }

  private void answer(HttpServerExchange exchange, Entry entry) {
    ApiHandler.send(exchange, JSON, views.entry(entry).toString());
  }

  private void changed(HttpServerExchange exchange, String what, UUID id) {
    audit(exchange, what, id);
    onChange.run();
  }

  private static void audit(HttpServerExchange exchange, String what, UUID id) {
    AUDIT.info(
        "action={} entry={} by={}",
        what,
        id.toString().substring(0, 8),
        exchange.getSourceAddress().getAddress().getHostAddress());
  }

  private void create(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    EntryRequest form = EntryRequest.parse(body);
    create(exchange, form, form.id().orElseGet(UUID::randomUUID));
  }

  private void create(HttpServerExchange exchange, EntryRequest form, UUID id)
      throws ApiException, IOException {
    Entry entry;
    try {
      entry =
          Entry.create(
              id,
              form.labels(List.of()),
              form.digits(EntryRequest.DEFAULT_DIGITS),
              clock.instant(),
              form.flags(List.of()));
    } catch (IllegalArgumentException e) {
      throw EntryRequest.bad(String.valueOf(e.getMessage()));
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
    answer(exchange, entry);
  }

  private void put(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    UUID id = id(exchange);
    EntryRequest form = EntryRequest.parse(body);
    if (form.id().filter(said -> !said.equals(id)).isPresent()) {
      throw EntryRequest.bad("an entry keeps its UUID");
    }
    Optional<Entry> changed =
        change(
            id,
            old ->
                old.with(
                    form.labels(old.labels()),
                    form.digits(old.totp().digits()),
                    form.flags(old.flags())));
    if (changed.isEmpty()) {
      create(exchange, form, id);
      return;
    }
    changed(exchange, "change", id);
    answer(exchange, changed.get());
  }

  /** What cannot be is the request's fault; what is taken is a conflict. */
  private Optional<Entry> change(UUID id, UnaryOperator<Entry> how)
      throws ApiException, IOException {
    boolean[] made = new boolean[1];
    try {
      Optional<Entry> changed =
          store.change(
              id,
              old -> {
                made[0] = false;
                Entry entry = how.apply(old);
                made[0] = true;
                return entry;
              });
      changed.ifPresent(index::put);
      return changed;
    } catch (IllegalArgumentException e) {
      throw new ApiException(
          made[0] ? StatusCodes.CONFLICT : StatusCodes.BAD_REQUEST, String.valueOf(e.getMessage()));
    }
  }

  private void delete(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    UUID id = id(exchange);
    boolean deleted = store.delete(id);
    index.remove(id);
    if (deleted) {
      tunnels.revoke(id); // the store tells too, but later
      changed(exchange, "delete", id);
    }
    exchange.setStatusCode(StatusCodes.NO_CONTENT);
    exchange.endExchange();
  }

  private void rotate(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    Duration overlap = overlap(EntryRequest.object(body));
    Instant now = clock.instant();
    UUID id = id(exchange);
    Entry entry = change(id, old -> old.rotated(now, overlap)).orElseThrow(Api::missing);
    changed(exchange, "rotate", id);
    answer(exchange, entry);
  }

  private static Duration overlap(ObjectNode json) throws ApiException {
    Matcher matcher = OVERLAP.matcher(json.path("overlap").asText("1h"));
    if (json.size() > (json.has("overlap") ? 1 : 0) || !matcher.matches()) {
      throw EntryRequest.bad("\"overlap\" is not a time such as 0s, 30m, 1h or 7d");
    }
    long amount = Long.parseLong(matcher.group(1));
    Duration overlap =
        switch (matcher.group(2)) {
          case "s" -> Duration.ofSeconds(amount);
          case "m" -> Duration.ofMinutes(amount);
          case "h" -> Duration.ofHours(amount);
          default -> Duration.ofDays(amount);
        };
    if (overlap.compareTo(LONGEST_OVERLAP) > 0) {
      throw EntryRequest.bad("\"overlap\" is longer than 30 days");
    }
    return overlap;
  }

  private void revoke(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    UUID id = id(exchange);
    Instant now = clock.instant();
    Entry entry = change(id, old -> old.revoked(now)).orElseThrow(Api::missing);
    tunnels.revoke(id);
    changed(exchange, "revoke", id);
    answer(exchange, entry);
  }

  private void provision(HttpServerExchange exchange, boolean js) throws ApiException, IOException {
    UUID id = id(exchange);
    Provisioning provisioning = provisioner.of(found(id), js);
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
    String otpauth = provisioner.of(found(id), false).toOtpauth();
    audit(exchange, "show-secret", id);
    ApiHandler.send(exchange, SVG, Qr.svg(otpauth));
  }

  private void urlQr(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    ApiHandler.send(exchange, SVG, Qr.svg(provisioner.url(found(id(exchange)).id())));
  }
}
