package io.rendezvous.protocol.taas;

import io.rendezvous.entry.Entry;
import io.rendezvous.testing.FreePort;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;

/** A broker with TAAS, and the requests of its hidden servers and clients. */
final class TaasBroker implements AutoCloseable {
  static final String REGISTRAR = "taas.example";
  static final String DOMAIN = "servers.example";

  private static final Pattern LOCATION = Pattern.compile("\r\nLocation: https://[^:]+:(\\d+)/");

  private final TestBroker broker;
  private final Entry entry;

  /**
   * Starts a broker with ports of its own: one that listens beside it must not be given a port that
   * a test has just seen closed.
   */
  TaasBroker(String... keysAndValues) throws Exception {
    String[] all = new String[keysAndValues.length + 8];
    System.arraycopy(
        new String[] {
          "taas.enabled",
          "true",
          "taas.host",
          "Taas.Example",
          "domain",
          DOMAIN,
          "taas.ports",
          FreePort.range(100)
        },
        0,
        all,
        0,
        8);
    System.arraycopy(keysAndValues, 0, all, 8, keysAndValues.length);
    this.broker = TestBroker.start(all);
    this.entry = broker.addLabelled("home", "office");
  }

  TestBroker broker() {
    return broker;
  }

  /** Returns the entry with the labels home and office. */
  Entry entry() {
    return entry;
  }

  String authorization(Entry of) {
    return "Authorization: TOTP username=\""
        + of.id()
        + "\", response=\""
        + broker.token(of)
        + "\"\r\n";
  }

  /** Returns the head of a request to the registrar's host name. */
  static String head(String method, String path, String moreLines) {
    return method + " " + path + " HTTP/1.1\r\nHost: " + REGISTRAR + "\r\n" + moreLines + "\r\n";
  }

  /** Sends a request to the registrar with the credentials of the entry. */
  String ask(Entry of, String method, String path) throws IOException {
    return answer(head(method, path, authorization(of)), broker.dial());
  }

  /** Sends a head, and reads to the end. */
  String answer(String head, Peer.Dial from) throws IOException {
    try (Peer peer = broker.connect(from)) {
      return peer.send(head).readAll();
    }
  }

  /** Registers a label, and returns the port. */
  int register(Entry of, String label) throws IOException {
    String answer = ask(of, "PUT", "/register/" + label);
    return Integer.parseInt(answer.substring(answer.lastIndexOf(':') + 1));
  }

  /** Parks a connection for a label. */
  Peer park(Entry of, String label) throws IOException {
    int before = broker.broker().connected().totals().parked();
    Peer parked = Peer.to(register(of, label)).plain();
    broker.awaitParked(before + 1);
    return parked;
  }

  /** Parks a connection for the label home. */
  Peer park() throws IOException {
    return park(entry, "home");
  }

  /** Requests a page of a label's host. */
  String get(String label, String target) throws IOException {
    return get(label, target, broker.dial());
  }

  String get(String label, String target, Peer.Dial from) throws IOException {
    return answer(
        "GET " + target + " HTTP/1.1\r\nHost: " + label + "." + DOMAIN + "\r\n\r\n", from);
  }

  static int port(String redirect) {
    Matcher matcher = LOCATION.matcher(redirect);
    if (!redirect.startsWith("HTTP/1.1 307 ") || !matcher.find()) {
      throw new AssertionError("no redirect: " + redirect);
    }
    return Integer.parseInt(matcher.group(1));
  }

  /** Returns the port that a client is redirected to. */
  int redirected(String label) throws IOException {
    return port(get(label, "/"));
  }

  /** Connects to a port over TLS, while the hidden server shakes hands on its parked connection. */
  static Pair meet(int port, Peer parked) throws Exception {
    return meet(Peer.to(port).named("home." + DOMAIN), parked);
  }

  static Pair meet(Peer.Dial dial, Peer parked) throws Exception {
    CompletableFuture<Peer> server = Octets.beside(() -> parked.serveTls(Keys.server().context()));
    Peer client = dial.tls(Keys.trust());
    return new Pair(client, server.get());
  }

  record Pair(Peer client, Peer server) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      client.close();
      server.close();
    }
  }

  /** Lets time pass for the broker, from now on. */
  void after(Duration time) {
    after(System.nanoTime(), time);
  }

  /** Lets time pass for the broker, from a moment on that {@link System#nanoTime} told. */
  void after(long moment, Duration time) {
    broker.broker().sweep(moment + time.toNanos());
  }

  /** Lets time pass for the broker until all connections are closed except so many. */
  void afterUntil(Duration time, int connections) {
    Awaitility.await()
        .until(
            () -> {
              after(time);
              return broker.broker().connections() == connections;
            });
  }

  void awaitPorts(int count) {
    Awaitility.await().until(() -> broker.broker().portsInUse() == count);
  }

  @Override
  public void close() throws IOException {
    broker.close();
  }
}
