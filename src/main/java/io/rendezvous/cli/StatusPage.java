package io.rendezvous.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.admin.AdminServer;
import io.rendezvous.agent.requests.RequestHistory;
import io.rendezvous.http.undertow.PageSecurity;
import io.rendezvous.telemetry.RequestJson;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.PathHandler;
import io.undertow.util.Headers;
import io.undertow.util.Methods;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The page of an agent, which shows the latest requests and sends one again when asked to. What it
 * serves besides the page:
 *
 * <ul>
 *   <li>{@code GET /requests}: the requests, the newest first
 *   <li>{@code GET /requests/NUMBER}: the heads of a request and its answer
 *   <li>{@code POST /requests/NUMBER/replay}: sends a request again, if a page of this server asks
 * </ul>
 *
 * <p>Its handler may block.
 */
final class StatusPage {
  private static final String JSON = "application/json";
  private static final Map<String, String> OWN_FILES =
      Map.of("/", "status.html", "/status.js", "status.js");

  /** Files of the admin page that this one is made of too. */
  private static final List<String> SHARED_FILES =
      List.of("elements.js", "format.js", "icon.svg", "requests.js", "style.css");

  private static final Map<String, String> TYPES =
      Map.of(
          "js", "text/javascript; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "svg", "image/svg+xml",
          "html", "text/html; charset=utf-8");

  private static final Pattern ONE = Pattern.compile("/(\\d{1,18})(/replay)?");

  private final RequestHistory history;

  StatusPage(RequestHistory history) {
    this.history = history;
  }

  /** Adds what is served to the paths of a server. */
  void addTo(PathHandler paths) {
    OWN_FILES.forEach((path, name) -> paths.addExactPath(path, file(StatusPage.class, name)));
    SHARED_FILES.forEach(name -> paths.addExactPath("/" + name, file(AdminServer.class, name)));
    paths.addPrefixPath("/requests", this::requests);
  }

  private static HttpHandler file(Class<?> owner, String name) {
    return exchange -> {
      try (InputStream in = owner.getResourceAsStream(name)) {
        if (in == null) {
          throw new IOException("there is no resource " + name);
        }
        String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        send(
            exchange,
            TYPES.getOrDefault(name.substring(name.lastIndexOf('.') + 1), "text/plain"),
            text);
      }
    };
  }

  private void requests(HttpServerExchange exchange) {
    Matcher one = ONE.matcher(exchange.getRelativePath());
    boolean isList = exchange.getRelativePath().isEmpty();
    if (!PageSecurity.isSameOrigin(exchange)) {
      exchange.setStatusCode(StatusCodes.FORBIDDEN);
    } else if (!isList && !one.matches()) {
      exchange.setStatusCode(StatusCodes.NOT_FOUND);
    } else if (!isList && one.group(2) != null) {
      replay(exchange, Long.parseLong(one.group(1)));
    } else if (!exchange.getRequestMethod().equals(Methods.GET)) {
      exchange.setStatusCode(StatusCodes.METHOD_NOT_ALLOWED);
    } else if (isList) {
      list(exchange);
    } else {
      heads(exchange, Long.parseLong(one.group(1)));
    }
  }

  private void list(HttpServerExchange exchange) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ArrayNode array = json.putArray("requests");
    for (RequestHistory.Shown shown : history.latest()) {
      ObjectNode request = RequestJson.of(shown.request()).put("entry", shown.entry());
      request.put("replayOf", shown.replayOf().isPresent() ? shown.replayOf().getAsLong() : null);
      array.add(request.put("replayable", shown.replayable()));
    }
    send(exchange, JSON, json.toString());
  }

  private void heads(HttpServerExchange exchange, long number) {
    Optional<RequestHistory.Heads> heads = history.heads(number);
    if (heads.isEmpty()) {
      exchange.setStatusCode(StatusCodes.NOT_FOUND);
      return;
    }
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    heads.get().request().forEach(json.putArray("request")::add);
    heads.get().answer().forEach(json.putArray("answer")::add);
    send(exchange, JSON, json.toString());
  }

  /** Sends a request again. A browser names the origin of the page that wants it. */
  private void replay(HttpServerExchange exchange, long number) {
    if (!exchange.getRequestMethod().equals(Methods.POST)) {
      exchange.setStatusCode(StatusCodes.METHOD_NOT_ALLOWED);
    } else if (!exchange.getRequestHeaders().contains(Headers.ORIGIN)) {
      exchange.setStatusCode(StatusCodes.FORBIDDEN);
    } else {
      exchange.setStatusCode(
          switch (history.replay(number)) {
            case SENT -> StatusCodes.ACCEPTED;
            case UNKNOWN -> StatusCodes.NOT_FOUND;
            case NOT_KEPT -> StatusCodes.CONFLICT;
            case TOO_MANY -> StatusCodes.TOO_MANY_REQUESTS;
          });
    }
  }

  private static void send(HttpServerExchange exchange, String type, String text) {
    exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, type);
    exchange.getResponseSender().send(text, StandardCharsets.UTF_8);
  }
}
