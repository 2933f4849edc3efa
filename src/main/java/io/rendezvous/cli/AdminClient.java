package io.rendezvous.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.admin.AdminLock;
import io.rendezvous.admin.AdminServer;
import io.rendezvous.admin.AdminToken;
import io.rendezvous.config.Settings;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.link.LinkIssuer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;

/** Manages entries through the admin listener of this installation's running broker. */
final class AdminClient implements EntryAdmin {
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(2);
  private static final int PAGE_SIZE = 500;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http = HttpClient.newBuilder().connectTimeout(CONNECT_TIMEOUT).build();
  private final URI url;
  private final Optional<String> token;

  private AdminClient(URI url, Optional<String> token) {
    this.url = url;
    this.token = token;
  }

  /**
   * Finds the running broker: one that accepts our token on a loopback address. A broker whose
   * admin listener has another address is not found; its entries can be changed in the store.
   *
   * <p>The token is sent only to the port that the holder of the broker's lock has written there,
   * so that another program on that port does not learn it.
   */
  static Optional<AdminClient> find(Settings settings) throws IOException {
    Settings.AdminSettings admin = settings.admin();
    InetAddress address = InetAddress.getByName(admin.host());
    if (!admin.enabled() || !address.isLoopbackAddress() || !AdminToken.exists(admin)) {
      return Optional.empty();
    }
    OptionalInt port = AdminLock.portOfBroker(admin);
    if (port.isEmpty()) {
      return Optional.empty();
    }
    URI url = URI.create(AdminServer.url(address, "", port.getAsInt()));
    AdminClient client = new AdminClient(url, AdminToken.of(admin));
    return Optional.of(client).filter(c -> !c.store().isEmpty());
  }

  /** Returns whether the broker keeps its entries in that store. */
  boolean uses(EntryStore store) {
    return store().equals(store.where());
  }

  /** Returns where the broker keeps its entries; an empty text if no broker answers. */
  private String store() {
    try {
      HttpResponse<String> response = ask("GET", "api/status", "");
      return response.statusCode() == 200
          ? JSON.readTree(response.body()).path("store").asText()
          : "";
    } catch (IOException e) { // nothing listens there, or no broker
      return "";
    }
  }

  /**
   * Returns a link to the admin page that logs in once, within ten minutes.
   *
   * @throws IOException if the broker refuses
   */
  String link() throws IOException {
    if (token.isEmpty()) {
      return url.toString();
    }
    String answer =
        bodyOf(ask("POST", "api/one-time-token", ""))
            .orElseThrow(() -> new IOException("The broker that runs is an older one; restart it"));
    return url + "#token=" + JSON.readTree(answer).path("token").asText();
  }

  private HttpResponse<String> ask(String method, String path, String body) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(url.resolve(path))
            .timeout(REQUEST_TIMEOUT)
            .method(method, HttpRequest.BodyPublishers.ofString(body));
    token.ifPresent(text -> request.header("Authorization", "Bearer " + text));
    try {
      return http.send(request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /**
   * Returns the body of a response; empty for a 404.
   *
   * @throws IllegalArgumentException if a UUID or label is taken
   * @throws IOException if the broker refused for another reason
   */
  private Optional<String> bodyOf(HttpResponse<String> response) throws IOException {
    int status = response.statusCode();
    if (status / 100 == 2) {
      return Optional.of(response.body());
    }
    if (status == 404) {
      return Optional.empty();
    }
    String detail = JSON.readTree(response.body()).path("detail").asText();
    if (status == 409) {
      throw new IllegalArgumentException(detail);
    }
    throw new IOException("The broker refused: " + status + " " + detail);
  }

  @Override
  public void create(Entry entry) throws IOException {
    ObjectNode form = JSON.createObjectNode().put("uuid", entry.id().toString());
    ArrayNode labels = form.putArray("labels");
    entry.labels().forEach(labels::add);
    form.put("digits", entry.totp().digits());
    entry.flags().forEach(flag -> form.put(flag, true));
    entry.relay().ifPresent(mode -> form.put("relay", mode.toString()));
    bodyOf(ask("POST", "api/entries", form.toString()));
  }

  @Override
  public List<Line> list() throws IOException {
    List<Line> lines = new ArrayList<>();
    for (int page = 1; ; page++) {
      String path = "api/entries?sort=uuid&size=" + PAGE_SIZE + "&page=" + page;
      JsonNode entries = JSON.readTree(bodyOf(ask("GET", path, "")).orElse("{}")).path("entries");
      entries.forEach(entry -> lines.add(line(entry)));
      if (entries.size() < PAGE_SIZE) {
        return lines;
      }
    }
  }

  private static Line line(JsonNode entry) {
    List<String> labels = new ArrayList<>();
    entry.path("labels").forEach(label -> labels.add(label.asText()));
    return new Line(
        UUID.fromString(entry.path("uuid").asText()),
        labels,
        Optional.ofNullable(entry.path("created").textValue()));
  }

  @Override
  public Optional<Provisioning> provisioning(UUID id, boolean js) throws IOException {
    String form = js ? "/provisioning.js" : "/provisioning.json";
    Optional<String> file = bodyOf(ask("POST", "api/entries/" + id + form, ""));
    return file.isEmpty() ? Optional.empty() : Optional.of(Provisioning.parse(file.get()));
  }

  @Override
  public boolean delete(UUID id) throws IOException {
    boolean there = bodyOf(ask("GET", "api/entries/" + id, "")).isPresent();
    bodyOf(ask("DELETE", "api/entries/" + id, ""));
    return there;
  }

  @Override
  public boolean setPassword(UUID id, Optional<String> password) throws IOException {
    String path = "api/entries/" + id + "/password";
    HttpResponse<String> response =
        password.isPresent()
            ? ask("PUT", path, JSON.createObjectNode().put("password", password.get()).toString())
            : ask("DELETE", path, "");
    return bodyOf(response).isPresent();
  }

  @Override
  public Optional<LinkIssuer.Issued> share(UUID id, String path, Duration lifetime)
      throws IOException {
    ObjectNode form = JSON.createObjectNode();
    form.put("for", lifetime.toSeconds() + "s").put("path", path);
    Optional<String> body = bodyOf(ask("POST", "api/entries/" + id + "/links", form.toString()));
    if (body.isEmpty()) {
      return Optional.empty();
    }
    JsonNode link = JSON.readTree(body.get());
    Instant expires = Instant.parse(link.path("expires").asText());
    return Optional.of(new LinkIssuer.Issued(link.path("url").asText(), expires));
  }

  @Override
  public boolean unshare(UUID id) throws IOException {
    return bodyOf(ask("DELETE", "api/entries/" + id + "/links", "")).isPresent();
  }

  @Override
  public void close() {}
}
