package io.rendezvous.agent.check;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.ConnectResponse;
import io.rendezvous.entry.Totp;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tries once all that a hidden server needs of its broker, and what lies between them, step by
 * step: it is the hidden server and the client both. What fails says what to do.
 *
 * <p>For one thread.
 */
public final class Check {
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
  public record Plan(
      UUID id, Totp totp, Address broker, TrustedCertificates trust, Duration idle) {}

  private final Plan plan;
  private final InstantSource clock;
  private final CheckRunner steps;
  private @Nullable BlockingConnection tunnel;
  private @Nullable BlockingConnection client;

  /**
   * Creates a check.
   *
   * @param findings is told of each step when it is done
   */
  public Check(Plan plan, InstantSource clock, Consumer<CheckResult> findings) {
    this.plan = plan;
    this.clock = clock;
    this.steps = new CheckRunner(plan.broker(), plan.trust(), clock, findings);
  }

  /**
   * Takes all steps, up to one without which the next make no sense; returns whether all passed.
   */
  public boolean run() {
    try {
      return steps.reachBroker()
          && steps.take("token", this::park)
          && steps.take("round trip", this::roundTrip)
          && steps.take("64 MiB to the hidden server", () -> move(client(), tunnel()))
          && steps.take("64 MiB to the client", () -> move(tunnel(), client()))
          && steps.take("half-close", this::halfClose)
          && steps.take(plan.idle().toSeconds() + " s of silence", this::rest);
    } finally {
      for (BlockingConnection wire : Arrays.asList(tunnel, client)) {
        if (wire != null) {
          wire.close();
        }
      }
    }
  }

  private BlockingConnection tunnel() throws IOException {
    return there(tunnel);
  }

  private BlockingConnection client() throws IOException {
    return there(client);
  }

  private static BlockingConnection there(@Nullable BlockingConnection wire) throws IOException {
    if (wire == null) {
      throw new IOException("there is no connection");
    }
    return wire;
  }

  private String park() throws IOException {
    tunnel = parked();
    return "accepted, a tunnel is parked";
  }

  private BlockingConnection parked() throws IOException {
    BlockingConnection wire = steps.open();
    String token = plan.totp().token(now(), plan.totp().digits());
    wire.send("CONNECT uuid:" + plan.id() + "?response=" + token + " HTTP/1.1\r\n\r\n");
    ConnectResponse answer = new ConnectResponse(wire.readHead(), clock.instant());
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
    client = steps.open();
    ask(client, tunnel());
    return "a request came back through the broker in " + CheckRunner.millisSince(began);
  }

  /** A client's request comes out of the tunnel, without its credential, and is answered. */
  private void ask(BlockingConnection from, BlockingConnection to) throws IOException {
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

  private static String move(BlockingConnection from, BlockingConnection to) throws Exception {
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
    BlockingConnection idle = parked();
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
    try (BlockingConnection late = steps.open()) {
      ask(late, idle);
    }
    return "a tunnel that was silent still serves";
  }
}
