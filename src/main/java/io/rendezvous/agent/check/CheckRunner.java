package io.rendezvous.agent.check;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.ConnectResponse;
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
 * Takes the steps of a check one by one, with plain blocking sockets, and tells how each went. The
 * first are the same for all: the way to the broker.
 *
 * <p>For one thread.
 */
final class CheckRunner {
  private static final Duration HARMLESS_SKEW = Duration.ofSeconds(20);

  private final Address broker;
  private final TrustedCertificates trust;
  private final InstantSource clock;
  private final Consumer<CheckResult> findings;

  CheckRunner(
      Address broker,
      TrustedCertificates trust,
      InstantSource clock,
      Consumer<CheckResult> findings) {
    this.broker = broker;
    this.trust = trust;
    this.clock = clock;
    this.findings = findings;
  }

  /** Takes a step, which returns what it found or throws what to do; returns whether it passed. */
  boolean take(String what, Callable<String> step) {
    try {
      findings.accept(new CheckResult(what, true, step.call()));
      return true;
    } catch (Exception e) {
      String why = e.getMessage() == null ? e.toString() : e.getMessage();
      findings.accept(new CheckResult(what, false, why));
      return false;
    }
  }

  /** Takes the steps up to a broker that answers; returns whether all passed. */
  boolean reachBroker() {
    return take("name", this::resolve)
        && take("connection", this::connect)
        && take("certificate", this::shakeHands)
        && take("broker", this::challenge);
  }

  private String resolve() throws IOException {
    try {
      InetAddress[] addresses = InetAddress.getAllByName(broker.host());
      return String.join(
          ", ", Arrays.stream(addresses).map(InetAddress::getHostAddress).toArray(String[]::new));
    } catch (UnknownHostException e) {
      throw new IOException(
          "no address is known for " + broker.host() + "; look at the name, and at DNS", e);
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
              + e.getMessage()
              + "); look at the port, at whether the broker runs, and at firewalls",
          e);
    }
  }

  /** Opens a connection to the broker, over TLS. */
  BlockingConnection open() throws IOException {
    return BlockingConnection.tls(broker, trust);
  }

  private String shakeHands() throws IOException {
    long began = System.nanoTime();
    try (BlockingConnection wire = open()) {
      String time = millisSince(began);
      X509Certificate leaf = wire.certificate();
      long days = Duration.between(clock.instant(), leaf.getNotAfter().toInstant()).toDays();
      return wire.protocol() + " in " + time + ", good for " + days + " days";
    } catch (IOException e) {
      String refusal = trust.takeRefusal().orElse(null);
      throw new IOException(
          refusal != null
              ? "the certificate is not believed (" + refusal + "); see --ca"
              : "no TLS at " + broker + " (" + e.getMessage() + "); look at the port",
          e);
    }
  }

  /** What a client is told that names nobody; with it comes the broker's idea of the time. */
  private String challenge() throws IOException {
    try (BlockingConnection wire = open()) {
      wire.send("GET / HTTP/1.1\r\nHost: " + broker + "\r\nConnection: close\r\n\r\n");
      ConnectResponse answer = answerOn(wire);
      if (answer.status() != 401) {
        throw new IOException(
            "what answers there is no broker (" + answer.status() + "); look at the port");
      }
      Duration skew = answer.clockBehind().orElse(Duration.ZERO);
      if (skew.abs().compareTo(HARMLESS_SKEW) >= 0) {
        throw new IOException(answer.clocksInWords());
      }
      return "challenges clients; the clocks differ by " + skew.abs().toSeconds() + " s";
    }
  }

  private ConnectResponse answerOn(BlockingConnection wire) throws IOException {
    try {
      return new ConnectResponse(wire.readHead(), clock.instant());
    } catch (ProtocolException e) {
      throw new IOException(
          "what answers there is no broker (" + e.getMessage() + "); look at the port", e);
    }
  }

  static String millisSince(long began) {
    return Duration.ofNanos(System.nanoTime() - began).toMillis() + " ms";
  }
}
