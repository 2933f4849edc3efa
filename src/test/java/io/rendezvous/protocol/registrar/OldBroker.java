package io.rendezvous.protocol.registrar;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.config.SettingsException;
import io.rendezvous.entry.Entry;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tunnel.Presence;
import java.io.IOException;
import java.util.UUID;
import java.util.stream.Stream;

/** A broker with the registrar, and the requests of older hidden servers and clients. */
final class OldBroker implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final TestBroker broker;

  private OldBroker(TestBroker broker) {
    this.broker = broker;
  }

  /** Starts a broker with settings given as key and value, without their prefix. */
  static OldBroker start(String... keysAndValues) throws IOException, SettingsException {
    String[] all =
        Stream.concat(
                Stream.of("registrar.enabled", "true", "public-host", "broker.example"),
                Stream.of(keysAndValues))
            .toArray(String[]::new);
    return new OldBroker(TestBroker.start(all));
  }

  TestBroker broker() {
    return broker;
  }

  Registrar registrar() {
    return broker.broker().registrar().orElseThrow();
  }

  Peer http() throws IOException {
    return Peer.to(registrar().httpAddress().getPort()).tls(Keys.trust());
  }

  /** Sends a request and returns the whole answer. */
  String ask(String method, String target) throws IOException {
    try (Peer peer = http()) {
      return peer.send(method + " " + target + " HTTP/1.1\r\nHost: a\r\n\r\n").readAll();
    }
  }

  static JsonNode json(String answer) throws IOException {
    return JSON.readTree(answer.substring(answer.indexOf("\r\n\r\n") + 4));
  }

  private static String cookie(String answer) throws IOException {
    JsonNode cookie = json(answer).path("result").path("cookie");
    if (!cookie.isTextual()) {
      throw new IOException("no cookie: " + answer);
    }
    return cookie.asText();
  }

  String put(Entry entry) throws IOException {
    return ask("PUT", "/?uuid=" + entry.id() + "&response=" + broker.token(entry));
  }

  /** Registers the entry that is always there, and returns the cookie. */
  String register() throws IOException {
    return cookie(put(broker.entry()));
  }

  String register(Entry entry) throws IOException {
    return cookie(put(entry));
  }

  /** Returns the cookie for clients of the entry that is always there. */
  String find() throws IOException {
    return find(broker.id());
  }

  String find(UUID id) throws IOException {
    return cookie(ask("GET", "/?uuid=" + id));
  }

  Peer.Dial dial() {
    return Peer.to(registrar().tcpAddress().getPort());
  }

  /** Connects to the TCP port and sends something. */
  Peer line(String sent) throws IOException {
    return dial().plain().send(sent);
  }

  /** Parks a connection, and waits until it is parked. */
  Peer park(String cookie) throws IOException {
    int before = broker.broker().connected().totals().parked();
    Peer parked = line(cookie + "\n");
    broker.awaitParked(before + 1);
    return parked;
  }

  /** Returns the counts of the entry that is always there. */
  Presence.Counts counts() {
    return counts(broker.id());
  }

  Presence.Counts counts(UUID id) {
    return broker.broker().connected().counts().getOrDefault(id, Presence.Counts.NONE);
  }

  @Override
  public void close() throws IOException {
    broker.close();
  }
}
