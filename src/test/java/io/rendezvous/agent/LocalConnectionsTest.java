package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.proxy.ReverseProxy;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which connections to the local server the requests of HTTP mode share, and when they end. */
class LocalConnectionsTest {
  private static TestBroker broker;

  private final AtomicInteger connections = new AtomicInteger();
  private @Nullable LocalServer local;
  private @Nullable HiddenServer hidden;
  private Entry entry;

  @BeforeAll
  static void start() throws Exception {
    broker = TestBroker.start();
  }

  @AfterAll
  static void stop() throws Exception {
    broker.close();
  }

  @BeforeEach
  void addEntry() throws Exception {
    entry = broker.addEntry();
  }

  @AfterEach
  void end() throws Exception {
    if (hidden != null) {
      hidden.close();
    }
    if (local != null) {
      local.close();
    }
  }

  private void serve(String scheme, LocalServer.Service service) throws IOException {
    LocalServer server =
        new LocalServer(
            connection -> {
              connections.incrementAndGet();
              service.serve(
                  scheme.equals("https")
                      ? connection.serveTls(Keys.server().context())
                      : connection);
            });
    local = server;
    Provisioning provisioning =
        new Provisioning(
            entry.id(),
            List.of("home"),
            entry.totp(),
            "localhost",
            broker.port(),
            Optional.empty());
    HiddenServer started =
        HiddenServer.of(provisioning)
            .trusting(Keys.trusted())
            .tunnels(2)
            .proxy(
                URI.create(scheme + "://127.0.0.1:" + server.port()),
                new ReverseProxy.Options(false, true, TrustedCertificates.all(), Duration.ZERO));
    hidden = started;
    Awaitility.await().until(() -> started.status().parked() == 2);
  }

  private String get(String path) {
    return broker.get(entry, path);
  }

  /** Answers with the number of the request on its connection. */
  private static void count(Peer connection) throws IOException {
    for (int i = 1; i < 100; i++) {
      connection.readBody(connection.readHead());
      String body = Integer.toString(i);
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "https"})
  void requestsOfOneClientShareAConnectionThatNoOtherClientUses(String scheme) throws Exception {
    serve(scheme, LocalConnectionsTest::count);
    try (Peer one = broker.connect();
        Peer other = broker.connect()) {
      for (int i = 1; i < 6; i++) {
        assertThat(one.send(get("/")).readResponse()).endsWith("\r\n\r\n" + i);
        assertThat(other.send(get("/")).readResponse()).endsWith("\r\n\r\n" + i);
        assertThat(one.hearsNothing()).isTrue();
      }
    }
    assertThat(connections).hasValue(2);
  }

  @Test
  void whatTheLocalServerSaysUnaskedReachesNobody() throws Exception {
    serve(
        "http",
        connection -> {
          connection.readHead();
          connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
          connection.send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nunasked");
          connection.readHead();
        });
    try (Peer client = broker.connect()) {
      for (int i = 0; i < 5; i++) {
        assertThat(client.send(get("/")).readResponse()).endsWith("\r\n\r\n1");
        assertThat(client.hearsNothing()).isTrue();
      }
    }
    assertThat(connections).hasValue(5);
  }
}
