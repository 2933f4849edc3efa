package io.rendezvous.admin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.rendezvous.entry.ClientPassword.Algorithm;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.AdminClient;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the REST API. Each response is validated against the OpenAPI file. */
class ApiTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private TestBroker broker;
  private AdminClient admin;
  private JsonNode openapi;
  private final Set<String> asked = new TreeSet<>();

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start("admin.enabled", "true", "admin.token", AdminClient.TOKEN);
    admin = new AdminClient(broker);
    openapi = admin.get("/api/openapi.json");
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  /** Sends a request, and validates the response. */
  private JsonNode ask(int status, String method, String path, String body) throws Exception {
    HttpResponse<String> answer = admin.ask(method, path, body);
    assertThat(answer.statusCode())
        .as(method + " " + path + ": " + answer.body())
        .isEqualTo(status);
    String template =
        path.replaceFirst("\\?.*", "").replaceFirst("/entries/[^/]+", "/entries/{entry}");
    JsonNode said =
        openapi
            .path("paths")
            .path(template)
            .path(method.toLowerCase(Locale.ROOT))
            .path("responses")
            .path(Integer.toString(status));
    asked.add(method + " " + template);
    assertThat(said.isMissingNode()).as(method + " " + template + " " + status).isFalse();
    if (said.has("$ref")) {
      said = openapi.at(said.path("$ref").asText().substring(1));
    }
    if (!said.has("content")) {
      assertThat(answer.body()).isEmpty();
      return JSON.missingNode();
    }
    String type = answer.headers().firstValue("Content-Type").orElseThrow().replaceFirst(";.*", "");
    JsonNode schema = said.path("content").path(type).path("schema");
    assertThat(schema.isObject()).as(type).isTrue();
    if (!type.endsWith("json")) {
      return JSON.getNodeFactory().textNode(answer.body());
    }
    JsonNode json = JSON.readTree(answer.body());
    ObjectNode whole = schema.deepCopy();
    whole.set("components", openapi.path("components"));
    assertThat(
            SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(whole)
                .validate(json))
        .as(answer.body())
        .isEmpty();
    return json;
  }

  private JsonNode create(String form) throws Exception {
    return ask(201, "POST", "/api/entries", form);
  }

  private static String path(JsonNode entry) {
    return "/api/entries/" + entry.path("uuid").asText();
  }

  @Test
  void entryIsCreatedChangedAndDeleted() throws Exception {
    JsonNode made = create("{\"labels\":[\"Home\"],\"digits\":6,\"proxyProtocol\":true}");
    assertThat(made.path("labels").path(0).asText()).isEqualTo("home");
    assertThat(made.path("proxyProtocol").asBoolean()).isTrue();
    assertThat(made.path("relay").isNull()).isTrue();
    assertThat(ask(200, "GET", path(made), "")).isEqualTo(made);
    JsonNode changed = ask(200, "PUT", path(made), "{\"labels\":[\"house\"],\"open\":true}");
    assertThat(changed.path("labels").path(0).asText()).isEqualTo("house");
    assertThat(changed.path("digits").asInt()).isEqualTo(6);
    assertThat(changed.path("proxyProtocol").asBoolean()).isTrue();
    assertThat(changed.path("open").asBoolean()).isTrue();
    assertThat(ask(200, "PUT", path(made), "{\"labels\":[\"house\"],\"open\":true}"))
        .isEqualTo(changed);
    ask(204, "DELETE", path(made), "");
    ask(204, "DELETE", path(made), "");
    ask(404, "GET", path(made), "");
    ask(404, "POST", path(made) + "/revoke", "");
    assertThat(ask(201, "PUT", path(made), "{\"labels\":[\"house\"]}").path("uuid"))
        .isEqualTo(made.path("uuid"));
  }

  private void relay(String path, String answer) throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), path));
      tunnel.readHead();
      tunnel.send(answer).end();
      client.readAll();
      client.end();
    }
  }

  @Test
  void requestsAreListedByTheirStatus() throws Exception {
    relay("/a?secret", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    relay("/b", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    relay("/c", "what is this");
    String path = "/api/entries/" + broker.id() + "/requests";
    JsonNode all = ask(200, "GET", path, "");
    assertThat(all.path("recorded").asBoolean()).isTrue();
    assertThat(all.path("requests").findValuesAsText("path")).containsExactly("/c", "/b", "/a");
    JsonNode first = all.at("/requests/2");
    assertThat(first.path("first").asBoolean()).isTrue();
    assertThat(first.path("status").asInt()).isEqualTo(200);
    assertThat(first.path("client").asText()).isEqualTo("127.0.0.1");
    Map<String, String> byStatus = Map.of("2xx", "/a", "4xx", "/b", "none", "/c");
    for (Map.Entry<String, String> one : byStatus.entrySet()) {
      assertThat(ask(200, "GET", path + "?status=" + one.getKey(), "").findValuesAsText("path"))
          .containsExactly(one.getValue());
    }
    assertThat(ask(200, "GET", path + "?status=5xx", "").path("requests")).isEmpty();
    for (String wrong : List.of("?status=200", "?status=", "?status=2xx&status=4xx", "?x=1")) {
      ask(400, "GET", path + wrong, "");
    }
    ask(204, "DELETE", "/api/entries/" + broker.id(), "");
    ask(404, "GET", path, "");
  }

  @Test
  void relayIsSetAndLeftToTheSettings() throws Exception {
    JsonNode made = create("{\"relay\":\"guarded\"}");
    assertThat(made.path("relay").asText()).isEqualTo("guarded");
    assertThat(ask(200, "PUT", path(made), "{}")).isEqualTo(made);
    assertThat(ask(200, "PUT", path(made), "{\"relay\":null}").path("relay").isNull()).isTrue();
    ask(400, "PUT", path(made), "{\"relay\":\"Raw\"}");
    ask(400, "PUT", path(made), "{\"relay\":true}");
  }

  @Test
  void takenUuidOrLabelIsAConflict() throws Exception {
    JsonNode made = create("{\"labels\":[\"home\"]}");
    JsonNode other = create("");
    String same = "{\"uuid\":\"" + made.path("uuid").asText().toUpperCase(Locale.ROOT);
    assertThat(ask(409, "POST", "/api/entries", same + "\"}").path("detail").asText())
        .contains("UUID");
    assertThat(
            ask(409, "POST", "/api/entries", "{\"labels\":[\"x\",\"HOME\"]}")
                .path("detail")
                .asText())
        .contains("home");
    ask(409, "PUT", path(other), "{\"labels\":[\"home\"]}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x",
        "[]",
        "\"\"",
        "{\"labels\":\"home\"}",
        "{\"labels\":[1]}",
        "{\"labels\":[\"<img src=x>\"]}",
        "{\"labels\":[\"\"]}",
        "{\"digits\":\"8\"}",
        "{\"digits\":5}",
        "{\"digits\":8.5}",
        "{\"uuid\":{}}",
        "{} {}",
        "{\"digits\":11}",
        "{\"digits\":99999999999}",
        "{\"open\":1}",
        "{\"secret\":\"MFRGGZDF\"}",
        "{\"authParams\":{}}",
        "{\"digits\":8,\"digits\":9}",
        "{\"labels\":[\"a\"],\"labels\":[\"b\"]}",
      })
  void invalidBodyChangesNothing(String body) throws Exception {
    ask(400, "POST", "/api/entries", body);
    ask(400, "PUT", "/api/entries/" + broker.id(), body);
    ask(400, "PUT", "/api/entries/" + UUID.randomUUID(), body);
    assertThat(broker.store().list()).containsExactly(broker.entry());
  }

  static List<String> bodiesBeyondTheLimits() {
    return List.of(
        "[".repeat(2000),
        "{\"labels\":" + "[".repeat(2000) + "]".repeat(2000) + "}",
        "{\"digits\":" + "8".repeat(2000) + "}",
        "{\"digits\":1e" + "9".repeat(2000) + "}",
        "{\"digits\":0." + "0".repeat(2000) + "}",
        "{\"" + "x".repeat(60_000) + "\":1}");
  }

  @ParameterizedTest
  @MethodSource("bodiesBeyondTheLimits")
  void bodyBeyondTheLimitsOfJsonIsRefusedInWords(String body) throws Exception {
    String words =
        "the body is nested too deeply, or has a name, a number or a string that is too long";
    for (String[] request :
        new String[][] {
          {"POST", "/api/entries"},
          {"PUT", "/api/entries/" + broker.id()},
          {"POST", "/api/entries/" + broker.id() + "/rotate"}
        }) {
      assertThat(ask(400, request[0], request[1], body).path("detail").asText()).isEqualTo(words);
    }
    assertThat(broker.store().list()).containsExactly(broker.entry());
  }

  @Test
  void keyThatOccursTwiceIsNamedAsTheReason() throws Exception {
    String body = "{\"digits\":8,\n\"digits\":8}";
    assertThat(ask(400, "POST", "/api/entries", body).path("detail").asText())
        .isEqualTo("the body has the same key twice (line 2)");
  }

  @Test
  void invalidUuidsAndParametersAreRefused() throws Exception {
    ask(400, "GET", "/api/entries/x_y", "");
    assertThat(ask(404, "GET", "/api/entries/x", "").path("detail").asText())
        .isEqualTo("there is no entry with this label");
    ask(400, "POST", "/api/entries", "{\"uuid\":\"x\"}");
    ask(400, "PUT", path(create("")), "{\"uuid\":\"" + UUID.randomUUID() + "\"}");
    ask(400, "GET", "/api/entries?sort=secret", "");
    ask(400, "GET", "/api/entries?order=up", "");
    ask(400, "GET", "/api/entries?size=501", "");
    ask(400, "GET", "/api/entries?page=0", "");
    assertThat(ask(400, "GET", "/api/entries?online=false&sort=uuid", "").path("detail").asText())
        .isEqualTo(
            "unknown query parameter: online"
                + " (the parameters of this path: order, page, search, size, sort)");
    assertThat(admin.get("/api/status?x").path("detail").asText())
        .isEqualTo("unknown query parameter: x (the parameters of this path: none)");
    assertThat(admin.ask("DELETE", "/api/entries/" + broker.id() + "?uuid=x", "").statusCode())
        .isEqualTo(400);
    ask(413, "POST", "/api/entries", " ".repeat(65_537));
  }

  @Test
  void passwordIsSetChangedAndRemoved() throws Exception {
    JsonNode made = create("{\"labels\":[\"safe\"]}");
    assertThat(made.path("hasPassword").asBoolean()).isFalse();
    String path = path(made) + "/password";
    for (String password : List.of("open sesame", "open simsim")) {
      JsonNode entry = ask(200, "PUT", path, "{\"password\":\"" + password + "\"}");
      assertThat(entry.path("hasPassword").asBoolean()).isTrue();
      assertThat(stored(made).password().orElseThrow().matches(password)).isTrue();
    }
    String listed = admin.ask("GET", "/api/entries", "").body();
    String ha1 = stored(made).password().orElseThrow().ha1(Algorithm.MD5).orElseThrow();
    assertThat(listed).contains("\"hasPassword\":true").doesNotContain(ha1, "viewer");
    JsonNode other = ask(200, "PUT", path(made), "{\"labels\":[\"vault\"]}");
    assertThat(other.path("hasPassword").asBoolean()).isTrue();
    assertThat(other.path("url").asText()).contains("//" + other.path("uuid").asText() + "@");
    for (String body :
        List.of("{}", "{\"password\":\"short\"}", "{\"password\":5}", "{\"x\":\"open sesame\"}")) {
      ask(400, "PUT", path, body);
    }
    ask(204, "DELETE", path, "");
    assertThat(stored(made).hasPassword()).isFalse();
    ask(204, "DELETE", path, "");
    ask(404, "PUT", "/api/entries/nobody/password", "{\"password\":\"open sesame\"}");
    ask(404, "DELETE", "/api/entries/" + UUID.randomUUID() + "/password", "");
  }

  private Entry stored(JsonNode entry) throws Exception {
    return broker.store().find(UUID.fromString(entry.path("uuid").asText())).orElseThrow();
  }

  @Test
  void passwordCountsAtOnce() throws Exception {
    String path = "/api/entries/" + broker.id() + "/password";
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      ask(200, "PUT", path, "{\"password\":\"open sesame\"}");
      String answer = client.send(broker.get(broker.entry(), "/")).readResponse();
      assertThat(answer).startsWith("HTTP/1.1 401 ").contains("algorithm=SHA-256");
      ask(204, "DELETE", path, "");
      client.send(broker.get(broker.entry(), "/"));
      assertThat(tunnel.readHead()).startsWith("GET / HTTP/1.1\r\n");
    }
  }

  @Test
  void linksAreIssuedAndRevoked() throws Exception {
    JsonNode made = create("{\"labels\":[\"shared\"]}");
    String path = path(made) + "/links";
    Instant now = broker.clock().instant();
    JsonNode link = ask(201, "POST", path, "{\"for\":\"1h\",\"path\":\"/x?y\"}");
    assertThat(link.path("url").asText())
        .matches("https://localhost:" + broker.port() + "/\\.well-known/rendezvous/[\\w-]+");
    assertThat(Instant.parse(link.path("expires").asText()))
        .isBetween(now.plusSeconds(3598), now.plusSeconds(3660));
    for (String body :
        List.of(
            "{\"for\":\"31d\"}",
            "{\"for\":\"0s\"}",
            "{\"for\":\"soon\"}",
            "{\"path\":\"//elsewhere\"}",
            "{\"url\":\"/\"}")) {
      ask(400, "POST", path, body);
    }
    assertThat(stored(made).linksSince()).isEqualTo(Instant.EPOCH);
    ask(204, "DELETE", path, "");
    assertThat(stored(made).linksSince()).isAfter(now);
    ask(404, "POST", "/api/entries/" + UUID.randomUUID() + "/links", "{}");
    ask(404, "DELETE", "/api/entries/" + UUID.randomUUID() + "/links", "");
    ask(400, "POST", "/api/qr.svg", "{\"text\":\"" + "x".repeat(2001) + "\"}");
  }

  @Test
  void labelStandsForTheUuid() throws Exception {
    JsonNode made = create("{\"labels\":[\"cabin\",\"Cabin:2222\"]}");
    for (String label : List.of("cabin", "CABIN", "cabin:2222")) {
      assertThat(ask(200, "GET", "/api/entries/" + label, "").path("uuid"))
          .isEqualTo(made.path("uuid"));
    }
    ask(200, "POST", "/api/entries/cabin/rotate", "{}");
    ask(200, "PUT", "/api/entries/cabin", "{\"labels\":[\"hut\"]}");
    ask(404, "POST", "/api/entries/cabin/revoke", "");
    assertThat(admin.ask("DELETE", "/api/entries/hut", "").statusCode()).isEqualTo(204);
    ask(404, "GET", path(made), "");
  }

  @Test
  void rotatedSecretStaysValidForTheOverlap() throws Exception {
    Entry old = broker.entry();
    String path = "/api/entries/" + broker.id();
    ask(400, "POST", path + "/rotate", "{\"overlap\":\"1y\"}");
    ask(400, "POST", path + "/rotate", "{\"overlap\":\"31d\"}");
    ask(400, "POST", path + "/rotate", "{\"until\":\"1d\"}");
    try (Peer before = broker.park()) {
      JsonNode answer = ask(200, "POST", path + "/rotate", "{\"overlap\":\"1h\"}");
      assertThat(answer.path("previousUntil").asText()).isNotEmpty();
      assertThat(before.hearsNothing()).isTrue();
      broker.park(old).close();
      broker.clock().step(Duration.ofHours(1));
      assertThat(tryToPark(old)).startsWith("HTTP/1.1 4");
      broker.park(provisioned(path)).close();
    }
  }

  private String tryToPark(Entry entry) throws Exception {
    try (Peer tunnel = broker.connect()) {
      return tunnel.send(broker.connectHead(entry)).readHead();
    }
  }

  private Entry provisioned(String path) throws Exception {
    Provisioning file =
        Provisioning.parse(ask(200, "POST", path + "/provisioning.json", "").toString());
    Entry stored = broker.store().find(file.id()).orElseThrow();
    assertThat(stored.totp()).isEqualTo(file.totp());
    return stored;
  }

  @Test
  void revocationEndsTunnelsAndTheSecret() throws Exception {
    String path = "/api/entries/" + broker.id();
    try (Peer tunnel = broker.park();
        Peer taken = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      Awaitility.await().until(() -> broker.broker().paired() == 1);
      ask(200, "POST", path + "/revoke", "");
      for (Peer peer : List.of(tunnel, taken, client)) {
        Octets.untilItBreaks(peer.in());
      }
      Awaitility.await().until(() -> broker.broker().connections() == 0);
    }
    assertThat(tryToPark(broker.entry())).startsWith("HTTP/1.1 4");
    JsonNode entry = ask(200, "GET", path, "");
    assertThat(entry.path("online").asBoolean()).isFalse();
    assertThat(entry.path("lastEnd").path("why").asText()).isIn("revoked", "gave no answer");
    broker.park(provisioned(path)).close();
  }

  @Test
  void deletionEndsTunnels() throws Exception {
    try (Peer tunnel = broker.park()) {
      ask(204, "DELETE", "/api/entries/" + broker.id(), "");
      assertThat(tunnel.readAll()).isEmpty();
    }
  }

  @Test
  void secretsAreShownOnlyOnRequest() throws Exception {
    String path = "/api/entries/" + broker.id();
    String secret = broker.entry().totp().base32();
    ask(200, "POST", path + "/rotate", "");
    String now = broker.store().find(broker.id()).orElseThrow().totp().base32();
    for (String url :
        List.of("/api/entries", path, "/api/status", "/api/rendezvous", path + "/url.svg")) {
      assertThat(ask(200, "GET", url, "").toString()).doesNotContain(secret, now);
    }
    assertThat(admin.get(path + "/provisioning.json").path("status").asInt()).isEqualTo(405);
    assertThat(ask(200, "POST", path + "/provisioning.json", "").path("base32").asText())
        .isEqualTo(now);
    assertThat(ask(200, "POST", path + "/provisioning.js", "").asText())
        .startsWith("exports.params = ")
        .contains(now);
    assertThat(ask(200, "POST", path + "/qr.svg", "").asText()).startsWith("<svg ");
  }

  @Test
  void listIsSearchedSortedAndPaged() throws Exception {
    for (String label : List.of("delta", "alpha", "charlie", "bravo")) {
      create("{\"labels\":[\"" + label + "\",\"x-" + label + "\"]}");
    }
    assertThat(labels("")).containsExactly("alpha", "bravo", "charlie", "delta", "");
    assertThat(labels("?order=desc")).containsExactly("", "delta", "charlie", "bravo", "alpha");
    assertThat(labels("?search=LPH")).containsExactly("alpha");
    assertThat(labels("?search=x-&size=2&page=2")).containsExactly("charlie", "delta");
    assertThat(labels("?search=" + broker.id().toString().substring(9, 20))).containsExactly("");
    assertThat(labels("?page=1000")).isEmpty();
    assertThat(ask(200, "GET", "/api/entries?search=x-&size=1", "").path("total").asInt())
        .isEqualTo(4);
    try (Peer tunnel = broker.park()) {
      broker.awaitParked(1);
      for (String sort : List.of("online", "parked", "lastSeen")) {
        assertThat(labels("?order=desc&size=1&sort=" + sort)).containsExactly("");
      }
      for (String sort : List.of("uuid", "active", "waiting", "rendezvous", "octets", "created")) {
        assertThat(labels("?sort=" + sort)).hasSize(5);
      }
      assertThat(tunnel.hearsNothing()).isTrue();
    }
  }

  private List<String> labels(String query) throws Exception {
    List<String> labels = new ArrayList<>();
    ask(200, "GET", "/api/entries" + query, "")
        .path("entries")
        .forEach(entry -> labels.add(entry.path("labels").path(0).asText("")));
    return labels;
  }

  @Test
  void activityIsShown() throws Exception {
    try (Peer tunnel = broker.park()) {
      broker.awaitParked(1);
      try (Peer client = broker.connect()) {
        client.send(broker.get(broker.entry(), "/"));
        tunnel.readHead();
        tunnel.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello");
        client.readResponse();
        JsonNode during = ask(200, "GET", "/api/entries/" + broker.id(), "");
        assertThat(during.path("active").asInt()).isEqualTo(1);
        assertThat(ask(200, "GET", "/api/rendezvous", "").at("/rendezvous/0/state").asText())
            .isEqualTo("going on");
      }
      tunnel.readAll();
    }
    Awaitility.await().until(() -> broker.broker().paired() == 0);
    try (Peer stranger = broker.connect()) {
      stranger
          .send(
              broker.get(
                  Entry.create(
                      UUID.randomUUID(), List.of(), 8, broker.clock().instant(), List.of()),
                  "/"))
          .readAll();
    }
    JsonNode entry = ask(200, "GET", "/api/entries/" + broker.id(), "");
    assertThat(entry.path("today").path("rendezvous").asInt()).isEqualTo(1);
    assertThat(entry.path("today").path("octetsIn").asInt()).isPositive();
    assertThat(entry.path("today").path("octetsOut").asInt()).isEqualTo(43);
    assertThat(entry.path("hour").path(59).asInt() + entry.path("hour").path(58).asInt())
        .isEqualTo(1);
    assertThat(entry.path("lastSeen").isNull()).isFalse();
    assertThat(entry.path("lastEnd").path("why").asText()).isEqualTo("used by a client");
    JsonNode rendezvous = ask(200, "GET", "/api/rendezvous", "").at("/rendezvous/0");
    assertThat(rendezvous.path("state").asText()).isEqualTo("whole");
    assertThat(rendezvous.path("client").asText()).isEqualTo("127.0.0.1");
    JsonNode status = ask(200, "GET", "/api/status", "");
    assertThat(status.at("/today/rendezvous").asInt()).isEqualTo(1);
    assertThat(status.at("/refusals/0/status").asInt()).isEqualTo(404);
    assertThat(status.at("/refusals/0/side").asText()).isEqualTo("client");
    broker.clock().step(Duration.ofDays(1));
    entry = ask(200, "GET", "/api/entries/" + broker.id(), "");
    assertThat(entry.path("today").path("rendezvous").asInt()).isZero();
  }

  @Test
  void latestRendezvousHaveTheirLabels() throws Exception {
    Entry home =
        Entry.create(UUID.randomUUID(), List.of("home"), 8, broker.clock().instant(), List.of());
    broker.store().create(home);
    try (Peer tunnel = broker.park(home);
        Peer client = broker.connect()) {
      client.send(broker.get(home, "/"));
      tunnel.readHead();
      assertThat(ask(200, "GET", "/api/rendezvous", "").at("/rendezvous/0/label").asText())
          .isEqualTo("home");
    }
  }

  @Test
  void lastRefusalOfAnEntryIsShown() throws Exception {
    String path = "/api/entries/" + broker.id();
    assertThat(ask(200, "GET", path, "").path("lastRefusal").isNull()).isTrue();
    String head = broker.connectHead(broker.entry()).replace("response=", "response=x");
    try (Peer tunnel = broker.connect()) {
      assertThat(tunnel.send(head).readHead()).startsWith("HTTP/1.1 401 ");
    }
    JsonNode refusal = ask(200, "GET", path, "").path("lastRefusal");
    assertThat(refusal.path("status").asInt()).isEqualTo(401);
    assertThat(refusal.path("reason").asText()).isEqualTo("unknown UUID or wrong token");
    assertThat(refusal.path("source").asText()).isEqualTo("127.0.0.1");
    assertThat(Instant.parse(refusal.path("time").asText()))
        .isBefore(broker.clock().instant().plusMillis(1));
  }

  @Test
  void urlIsThatOfTheLabelWhereThereIsADomain() throws Exception {
    String uuidUrl = create("{}").path("url").asText();
    assertThat(uuidUrl).matches("https://[0-9a-f-]{36}:x@localhost:\\d+/");
    try (TestBroker named =
        TestBroker.start(
            "admin.enabled", "true", "admin.token", AdminClient.TOKEN, "domain", "example.net")) {
      AdminClient its = new AdminClient(named);
      int port = named.broker().address().getPort();
      assertThat(url(its, "{\"labels\":[\"home:80\",\"home\",\"h\"]}"))
          .isEqualTo("https://home.example.net:" + port + "/");
      assertThat(url(its, "{\"labels\":[\"guarded\"],\"challenge\":true}"))
          .matches("https://[0-9a-f-]{36}:x@guarded\\.example\\.net:" + port + "/");
      assertThat(url(its, "{}")).matches("https://[0-9a-f-]{36}:x@localhost:" + port + "/");
    }
  }

  private static String url(AdminClient admin, String form) throws Exception {
    return JSON.readTree(admin.ask("POST", "/api/entries", form).body()).path("url").asText();
  }

  @Test
  void unreachableStoreIsReported() throws Exception {
    broker.loseStore();
    ask(503, "GET", "/api/entries/" + broker.id(), "");
    ask(503, "POST", "/api/entries", "{}");
    assertThat(ask(200, "GET", "/api/status", "").path("trouble").asText()).isNotEmpty();
  }

  @Test
  void everyPathOfTheFileExists() throws Exception {
    String one = path(create(""));
    ask(200, "GET", "/api/entries", "");
    ask(200, "GET", one, "");
    ask(200, "PUT", one, "");
    ask(200, "POST", one + "/rotate", "");
    ask(200, "POST", one + "/revoke", "");
    ask(200, "POST", one + "/provisioning.json", "");
    ask(200, "POST", one + "/provisioning.js", "");
    ask(200, "POST", one + "/qr.svg", "");
    ask(200, "GET", one + "/url.svg", "");
    ask(200, "GET", one + "/requests", "");
    ask(200, "PUT", one + "/password", "{\"password\":\"open sesame\"}");
    ask(204, "DELETE", one + "/password", "");
    ask(201, "POST", one + "/links", "");
    ask(204, "DELETE", one + "/links", "");
    ask(200, "POST", "/api/qr.svg", "{\"text\":\"https://x/\"}");
    ask(204, "DELETE", one, "");
    ask(201, "POST", "/api/one-time-token", "");
    ask(201, "POST", "/api/session", "{\"token\":\"" + AdminClient.TOKEN + "\"}");
    ask(204, "DELETE", "/api/session", "");
    for (String path :
        List.of(
            "/api/status",
            "/api/rendezvous",
            "/api/openapi.json",
            "/metrics",
            "/health",
            "/ready")) {
      ask(200, "GET", path, "");
    }
    asked.add("GET /api/events"); // EventStreamTest covers it
    Set<String> said = new TreeSet<>();
    openapi
        .path("paths")
        .properties()
        .forEach(
            path ->
                path.getValue()
                    .fieldNames()
                    .forEachRemaining(
                        method -> {
                          if (!method.equals("parameters")) {
                            said.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey());
                          }
                        }));
    assertThat(asked).isEqualTo(said);
  }
}
