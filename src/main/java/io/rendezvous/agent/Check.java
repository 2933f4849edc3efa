package io.rendezvous.agent;

import io.rendezvous.entry.Totp;
import io.rendezvous.net.Trust;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tries once all that a hidden server needs of its broker, and what lies between them, step by
 * step, with plain blocking sockets: it is the hidden server and the client both. What fails says
 * what to do.
 *
 * <p>For one thread.
 */
public final class Check {
  private static final Duration HARMLESS_SKEW = Duration.ofSeconds(20);
  private static final long OCTETS = 64L * 1024 * 1024;

  /**
   * What is tried.
   *
   * @param id the hidden server
   * @param totp its secret
   * @param broker where the broker listens
   * @param trust whose certificate the broker is believed by
   * @param idle how long a parked tunnel has to live without an octet
   */
  public record Plan(UUID id, Totp totp, Address broker, Trust trust, Duration idle) {}

  /**
   * How one step went.
   *
   * @param step what was tried
   * @param passed whether it went well
   * @param detail what was found, or what to do
   */
  public record Finding(String step, boolean passed, String detail) {}

  private final Plan plan;
  private final InstantSource clock;
  private final Consumer<Finding> findings;
  private @Nullable Wire tunnel;
  private @Nullable Wire client;

  /**
   * Creates a check.
   *
   * @param findings is told of each step when it is done
   */
  public Check(Plan plan, InstantSource clock, Consumer<Finding> findings) {
    this.plan = plan;
    this.clock = clock;
    this.findings = findings;
  }

  /**
   * Takes all steps, up to one without which the next make no sense; returns whether all passed.
   */
  public boolean run() {
    try {
      return step("name", this::resolve)
          && step("connection", this::connect)
          && step("certificate", this::shakeHands)
          && step("broker", this::challenge)
          && step("token", this::park)
          && step("round trip", this::roundTrip)
          && step("64 MiB to the hidden server", () -> move(client(), tunnel()))
          && step("64 MiB to the client", () -> move(tunnel(), client()))
          && step("half-close", this::halfClose)
          && step(plan.idle().toSeconds() + " s of silence", this::rest);
    } finally {
      for (Wire wire : Arrays.asList(tunnel, client)) {
        if (wire != null) {
          wire.close();
        }
      }
    }
  }

  private boolean step(String what, Callable<String> step) {
    try {
      findings.accept(new Finding(what, true, step.call()));
      return true;
    } catch (Exception e) {
      String why = e.getMessage() == null ? e.toString() : e.getMessage();
      findings.accept(new Finding(what, false, why));
      return false;
    }
  }

  private Wire tunnel() throws IOException {
    return there(tunnel);
  }

  private Wire client() throws IOException {
    return there(client);
  }

  private static Wire there(@Nullable Wire wire) throws IOException {
    if (wire == null) {
      throw new IOException("there is no connection");
    }
    return wire;
  }

  private String resolve() throws IOException {
    try {
      InetAddress[] addresses = InetAddress.getAllByName(plan.broker().host());
      return String.join(
          ", ", Arrays.stream(addresses).map(InetAddress::getHostAddress).toArray(String[]::new));
    } catch (UnknownHostException e) {
      throw new IOException(
          "no address is known for " + plan.broker().host() + "; look at the name, and at DNS", e);
    }
  }

  private String connect() throws IOException {
    long began = System.nanoTime();
    try (Wire plain = Wire.plain(plan.broker())) {
      return plain + " in " + millisSince(began);
    } catch (ConnectException | SocketTimeoutException e) {
      throw new IOException(
          "nothing answers at "
              + plan.broker()
              + " ("
              + e.getMessage()
              + "); look at the port, at whether the broker runs, and at firewalls",
          e);
    }
  }

  private Wire open() throws IOException {
    return Wire.tls(plan.broker(), plan.trust());
  }

  private String shakeHands() throws IOException {
    long began = System.nanoTime();
    try (Wire wire = open()) {
      String time = millisSince(began);
      X509Certificate leaf = wire.certificate();
      long days = Duration.between(clock.instant(), leaf.getNotAfter().toInstant()).toDays();
      return wire.protocol() + " in " + time + ", good for " + days + " days";
    } catch (IOException e) {
      String refusal = plan.trust().takeRefusal().orElse(null);
      throw new IOException(
          refusal != null
              ? "the certificate is not believed (" + refusal + "); see --ca"
              : "no TLS at " + plan.broker() + " (" + e.getMessage() + "); look at the port",
          e);
    }
  }

  /** What a client is told that names nobody; with it comes the broker's idea of the time. */
  private String challenge() throws IOException {
    try (Wire wire = open()) {
      wire.send("GET / HTTP/1.1\r\nHost: " + plan.broker() + "\r\nConnection: close\r\n\r\n");
      Refusal answer = new Refusal(wire.readHead(), clock.instant());
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

  private String park() throws IOException {
    tunnel = parked();
    return "accepted, a tunnel is parked";
  }

  private Wire parked() throws IOException {
    Wire wire = open();
    String token = plan.totp().token(now(), plan.totp().digits());
    wire.send("CONNECT uuid:" + plan.id() + "?response=" + token + " HTTP/1.1\r\n\r\n");
    Refusal answer = new Refusal(wire.readHead(), clock.instant());
    if (!answer.isOne()) {
      return wire;
    }
    answer.add(wire.readAll());
    wire.close();
    String advice = answer.status() == 503 ? "; try again later, or ask who runs it" : "";
    throw new IOException(answer.inWords() + advice);
  }

  private long now() {
    return plan.totp().stepAt(clock.instant().getEpochSecond());
  }

  private String roundTrip() throws Exception {
    long began = System.nanoTime();
    client = open();
    ask(client, tunnel());
    return "a request came back through the broker in " + millisSince(began);
  }

  /** A client's request comes out of the tunnel, without its credential, and is answered. */
  private void ask(Wire from, Wire to) throws IOException {
    String mark = UUID.randomUUID().toString();
    from.send(
        "POST /check HTTP/1.1\r\nHost: "
            + plan.broker()
            + "\r\nAuthorization: Digest username=\""
            + plan.id()
            + "\"\r\nX-Check: "
            + mark
            + "\r\n\r\n");
    String head;
    try {
      head = to.readRequest();
    } catch (SocketTimeoutException e) {
      throw new IOException(
          "the request did not arrive; if another agent of this entry runs, stop it for the check",
          e);
    }
    if (!head.contains(mark) || head.contains("Authorization")) {
      throw new IOException("the request was changed on its way: is that the broker?");
    }
    to.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    from.readHead();
  }

  private static String move(Wire from, Wire to) throws Exception {
    long began = System.nanoTime();
    CompletableFuture<byte[]> sent =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return write(from.out());
              } catch (IOException e) {
                throw new CompletionException(e);
              }
            });
    byte[] received = read(to.in());
    if (!Arrays.equals(sent.get(1, TimeUnit.MINUTES), received)) {
      throw new IOException("octets were changed on their way: what stands between?");
    }
    long millis = Math.max(1, Duration.ofNanos(System.nanoTime() - began).toMillis());
    return OCTETS / 1048576 * 1000 / millis + " MiB/s";
  }

  private static byte[] write(OutputStream out) throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    MessageDigest digest = sha256();
    byte[] buffer = new byte[64 * 1024];
    for (long left = OCTETS; left > 0; left -= buffer.length) {
      random.nextBytes(buffer);
      digest.update(buffer);
      out.write(buffer);
    }
    out.flush();
    return digest.digest();
  }

  private static byte[] read(InputStream in) throws IOException {
    MessageDigest digest = sha256();
    byte[] buffer = new byte[64 * 1024];
    for (long left = OCTETS; left > 0; ) {
      int n = in.read(buffer, 0, (int) Math.min(left, buffer.length));
      if (n < 0) {
        throw new IOException("the stream ended " + left + " octets early");
      }
      digest.update(buffer, 0, n);
      left -= n;
    }
    return digest.digest();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every Java has it
    }
  }

  private String halfClose() throws IOException {
    client().shutdownOutput();
    tunnel().expectEnd();
    tunnel().send("after");
    if (!client().read(5).equals("after")) {
      throw new IOException("what was sent after the end of the other direction is missing");
    }
    tunnel().shutdownOutput();
    client().expectEnd();
    return "each direction ends by itself";
  }

  private String rest() throws IOException {
    tunnel().close();
    Wire idle = parked();
    tunnel = idle;
    long began = System.nanoTime();
    if (idle.endsWithin(plan.idle())) {
      Duration lived = Duration.ofNanos(System.nanoTime() - began);
      throw new IOException(
          "a parked tunnel was cut after "
              + lived.toSeconds()
              + " s: something on the way cuts what is silent; set the broker's"
              + " rendezvous.tunnel-age below that");
    }
    try (Wire late = open()) {
      ask(late, idle);
    }
    return "a tunnel that was silent still serves";
  }

  private static String millisSince(long began) {
    return Duration.ofNanos(System.nanoTime() - began).toMillis() + " ms";
  }
}
