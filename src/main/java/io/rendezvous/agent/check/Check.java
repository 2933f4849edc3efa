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
 * Checks, step by step, what a hidden server needs of its broker and of the path between them. It
 * acts as both the hidden server and the client. A step that fails says what to do.
 *
 * <p>Used by one thread.
 */
public final class Check {
  private static final int MIB = 1024 * 1024;
  private static final long TRANSFER = 64L * MIB;

  /**
   * What is checked.
   *
   * @param id the hidden server's UUID
   * @param totp its secret
   * @param broker the broker's address
   * @param trusted the certificates that the broker's is verified with
   * @param idle how long a parked tunnel has to survive in silence
   */
  public record Plan(
      UUID id, Totp totp, Address broker, TrustedCertificates trusted, Duration idle) {}

  private final Plan plan;
  private final InstantSource clock;
  private final CheckRunner runner;
  private @Nullable BlockingConnection tunnel;
  private @Nullable BlockingConnection client;

  /**
   * Creates a check.
   *
   * @param listener is told the result of each step
   */
  public Check(Plan plan, InstantSource clock, Consumer<CheckResult> listener) {
    this.plan = plan;
    this.clock = clock;
    this.runner = new CheckRunner(plan.broker(), plan.trusted(), clock, listener);
  }

  /** Runs the steps in order, up to the first one that fails. Returns whether all passed. */
  public boolean run() {
    try {
      return runner.reachBroker()
          && runner.run("token", this::park)
          && runner.run("round trip", this::roundTrip)
          && runner.run("64 MiB to the hidden server", () -> move(client(), tunnel()))
          && runner.run("64 MiB to the client", () -> move(tunnel(), client()))
          && runner.run("half-close", this::halfClose)
          && runner.run(plan.idle().toSeconds() + " s of silence", this::rest);
    } finally {
      for (BlockingConnection connection : Arrays.asList(tunnel, client)) {
        if (connection != null) {
          connection.close();
        }
      }
    }
  }

  private BlockingConnection tunnel() throws IOException {
    return connected(tunnel);
  }

  private BlockingConnection client() throws IOException {
    return connected(client);
  }

  private static BlockingConnection connected(@Nullable BlockingConnection connection)
      throws IOException {
    if (connection == null) {
      throw new IOException("there is no connection");
    }
    return connection;
  }

  private String park() throws IOException {
    tunnel = parked();
    return "accepted, a tunnel is parked";
  }

  private BlockingConnection parked() throws IOException {
    BlockingConnection connection = runner.open();
    String token = plan.totp().token(now(), plan.totp().digits());
    connection.send("CONNECT uuid:" + plan.id() + "?response=" + token + " HTTP/1.1\r\n\r\n");
    ConnectResponse response = new ConnectResponse(connection.readHead(), clock.instant());
    if (response.isAccepted()) {
      return connection;
    }
    String body = connection.readAll();
    connection.close();
    String advice = response.status() == 503 ? "; try again later, or ask the operator" : "";
    throw new IOException(response.explain(body) + advice);
  }

  private long now() {
    return plan.totp().stepAt(clock.instant().getEpochSecond());
  }

  private String roundTrip() throws Exception {
    long began = System.nanoTime();
    client = runner.open();
    ask(client, tunnel());
    return "a request through the broker was answered in " + CheckRunner.millisSince(began);
  }

  /** Sends a request, which has to leave the tunnel without its credential, and answers it. */
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
      throw new IOException("the request was changed on the way: is this the broker?");
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
      throw new IOException("bytes were changed on the way: what is in between?");
    }
    long millis = Math.max(1, Duration.ofNanos(System.nanoTime() - began).toMillis());
    return TRANSFER / MIB * 1000 / millis + " MiB/s";
  }

  private static byte[] write(OutputStream out) throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    MessageDigest digest = sha256();
    byte[] buffer = new byte[64 * 1024];
    for (long left = TRANSFER; left > 0; left -= buffer.length) {
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
    for (long left = TRANSFER; left > 0; ) {
      int n = in.read(buffer, 0, (int) Math.min(left, buffer.length));
      if (n < 0) {
        throw new IOException("the stream ended " + left + " bytes early");
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
      throw new IOException("bytes sent after the end of the other direction are missing");
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
              + " s: something on the path cuts idle connections; set the broker's"
              + " rendezvous.tunnel-age below that");
    }
    try (BlockingConnection late = runner.open()) {
      ask(late, idle);
    }
    return "a tunnel still works after the silence";
  }
}
