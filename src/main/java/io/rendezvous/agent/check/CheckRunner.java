package io.rendezvous.agent.check;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.ConnectResponse;
import io.rendezvous.net.FailureText;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/**
 * Runs the steps of a check one by one and reports the result of each. The first steps, which reach
 * the broker, are the same for all checks.
 *
 * <p>Used by one thread.
 */
final class CheckRunner {
  private static final Duration HARMLESS_SKEW = Duration.ofSeconds(20);

  private final Address broker;
  private final TrustedCertificates trusted;
  private final InstantSource clock;
  private final Consumer<CheckResult> listener;

  CheckRunner(
      Address broker,
      TrustedCertificates trusted,
      InstantSource clock,
      Consumer<CheckResult> listener) {
    this.broker = broker;
    this.trusted = trusted;
    this.clock = clock;
    this.listener = listener;
  }

  /**
   * Runs one step and reports its result.
   *
   * @param step returns what it found, or throws an exception whose message says what to do
   * @return whether the step passed
   */
  boolean run(String name, Callable<String> step) {
    try {
      listener.accept(new CheckResult(name, true, step.call()));
      return true;
    } catch (Exception e) {
      String why = FailureText.of(e);
      listener.accept(new CheckResult(name, false, why));
      return false;
    }
  }

  /** Runs the steps up to a broker that answers. Returns whether all passed. */
  boolean reachBroker() {
    return run("name", this::resolve)
        && run("connection", this::connect)
        && run("certificate", this::shakeHands)
        && run("broker", this::challenge);
  }

  private String resolve() throws IOException {
    try {
      InetAddress[] addresses = InetAddress.getAllByName(broker.host());
      return String.join(
          ", ", Arrays.stream(addresses).map(InetAddress::getHostAddress).toArray(String[]::new));
    } catch (UnknownHostException e) {
      throw new IOException(
          "no address is known for " + broker.host() + "; check the name and DNS", e);
    }
  }

  private String connect() throws IOException {
    long began = System.nanoTime();
    try (BlockingConnection plain = BlockingConnection.plain(broker)) {
      return plain + " in " + millisSince(began);
    } catch (ConnectException | SocketTimeoutException e) {
      throw new IOException(
          "nothing answers at "
              + broker
              + " ("
              + FailureText.of(e)
              + "); check the port, whether the broker runs, and firewalls",
          e);
    }
  }

  /** Opens a connection to the broker, over TLS. */
  BlockingConnection open() throws IOException {
    return BlockingConnection.tls(broker, trusted);
  }

  private String shakeHands() throws IOException {
    long began = System.nanoTime();
    try (BlockingConnection connection = open()) {
      String time = millisSince(began);
      X509Certificate certificate = connection.certificate();
      long days = Duration.between(clock.instant(), certificate.getNotAfter().toInstant()).toDays();
      return connection.protocol() + " in " + time + ", valid for " + days + " days";
    } catch (IOException e) {
      String refusal = trusted.takeRefusal().orElse(null);
      throw new IOException(
          refusal != null
              ? "the certificate is not trusted (" + refusal + "); check --ca"
              : "no TLS at " + broker + " (" + FailureText.of(e) + "); check the port",
          e);
    }
  }

  /** Checks that a client without an identity is challenged, and that the clocks agree. */
  private String challenge() throws IOException {
    try (BlockingConnection connection = open()) {
      connection.send("GET / HTTP/1.1\r\nHost: " + broker + "\r\nConnection: close\r\n\r\n");
      ConnectResponse response = readResponse(connection);
      if (response.status() != 401) {
        throw new IOException(
            "the server there is not a broker (" + response.status() + "); check the port");
      }
      Duration skew = response.clockBehind().orElse(Duration.ZERO);
      if (skew.abs().compareTo(HARMLESS_SKEW) >= 0) {
        throw new IOException(response.explainClock());
      }
      return "challenges clients; the clocks differ by " + skew.abs().toSeconds() + " s";
    }
  }

  private ConnectResponse readResponse(BlockingConnection connection) throws IOException {
    try {
      return new ConnectResponse(connection.readHead(), clock.instant());
    } catch (ProtocolException e) {
      throw new IOException(
          "the server there is not a broker (" + FailureText.of(e) + "); check the port", e);
    }
  }

  static String millisSince(long began) {
    return Duration.ofNanos(System.nanoTime() - began).toMillis() + " ms";
  }
}
