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
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;

/** The broker of this installation, where it runs, spoken to over its admin listener. */
final class AdminClient implements EntryAdmin {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration TO_CONNECT = Duration.ofSeconds(2);
  private static final int PAGE = 500;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http = HttpClient.newBuilder().connectTimeout(TO_CONNECT).build();
  private final URI url;
  private final Optional<String> token;

  private AdminClient(URI url, Optional<String> token) {
    this.url = url;
    this.token = token;
  }

  /**
   * Returns the broker, if one answers to our token on a loopback address. Where its page is
   * elsewhere, its store is at hand all the same. Nobody is shown the token who does not hold the
   * broker's lock.
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
    AdminClient broker = new AdminClient(url, AdminToken.of(admin));
    return Optional.of(broker).filter(b -> !b.store().isEmpty());
  }

  /** Returns whether its entries are in that store. */
  boolean uses(EntryStore store) {
    return store().equals(store.where());
  }

  /** Returns where its entries are; an empty text if it does not answer. */
  private String store() {
    try {
      HttpResponse<String> answer = ask("GET", "api/status", "");
      return answer.statusCode() == 200 ? JSON.readTree(answer.body()).path("store").asText() : "";
    } catch (IOException e) { // nobody is there, or somebody else
      return "";
    }
  }

  private HttpResponse<String> ask(String method, String path, String body) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(url.resolve(path))
            .timeout(PATIENCE)
            .method(method, HttpRequest.BodyPublishers.ofString(body));
    token.ifPresent(text -> request.header("Authorization", "Bearer " + text));
    try {
      return http.send(request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Returns the answer's body where it is there, or says why the broker would not. */
  private Optional<String> done(HttpResponse<String> answer) throws IOException {
    int status = answer.statusCode();
    if (status / 100 == 2) {
      return Optional.of(answer.body());
    }
    if (status == 404) {
      return Optional.empty();
    }
    String detail = JSON.readTree(answer.body()).path("detail").asText();
    if (status == 409) {
      throw new IllegalArgumentException(detail);
    }
    throw new IOException("The broker says: " + status + " " + detail);
  }

  @Override
  public void create(Entry entry) throws IOException {
    ObjectNode form = JSON.createObjectNode().put("uuid", entry.id().toString());
    ArrayNode labels = form.putArray("labels");
    entry.labels().forEach(labels::add);
    form.put("digits", entry.totp().digits());
    entry.flags().forEach(flag -> form.put(flag, true));
    done(ask("POST", "api/entries", form.toString()));
  }

  @Override
  public List<Line> list() throws IOException {
    List<Line> lines = new ArrayList<>();
    for (int page = 1; ; page++) {
      String path = "api/entries?sort=uuid&size=" + PAGE + "&page=" + page;
      JsonNode entries = JSON.readTree(done(ask("GET", path, "")).orElse("{}")).path("entries");
      entries.forEach(entry -> lines.add(line(entry)));
      if (entries.size() < PAGE) {
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
    Optional<String> file = done(ask("POST", "api/entries/" + id + form, ""));
    return file.isEmpty() ? Optional.empty() : Optional.of(Provisioning.parse(file.get()));
  }

  @Override
  public boolean delete(UUID id) throws IOException {
    boolean there = done(ask("GET", "api/entries/" + id, "")).isPresent();
    done(ask("DELETE", "api/entries/" + id, ""));
    return there;
  }

  @Override
  public void close() {}
}
