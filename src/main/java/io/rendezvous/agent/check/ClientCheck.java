package io.rendezvous.agent.check;

import io.rendezvous.agent.Address;
import io.rendezvous.net.FailureText;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Checks a running hidden server, whoever wrote it, as its client. It needs no secret. A step that
 * fails says what to do.
 *
 * <p>If no request is answered, or the end of a response cannot be told, the check stops there.
 * Each later step uses connections of its own and is run whatever became of the others.
 *
 * <p>Used by one thread.
 */
public final class ClientCheck {
  private static final int IN_A_ROW = 20;
  private static final int AT_ONCE = 8;

  /** Data within this time was sent unprompted; a reply that takes longer was not available. */
  private static final Duration MOMENT = Duration.ofMillis(300);

  private static final Duration MAX_CLOSE_TIME = Duration.ofSeconds(10);
  private static final String CLOSE = "Connection: close\r\n";

  /**
   * What is checked.
   *
   * @param id the hidden server's UUID
   * @param broker the broker's address
   * @param trusted the certificates that the broker's is verified with
   * @param path the path that is requested
   * @param idle how long nothing is requested before the last step
   */
  public record Plan(
      UUID id, Address broker, TrustedCertificates trusted, String path, Duration idle) {}

  private final Plan plan;
  private final CheckRunner runner;
  private final BrokerClient client;
  private long bytesBefore;

  /**
   * Creates a check.
   *
   * @param listener is told the result of each step
   */
  public ClientCheck(Plan plan, InstantSource clock, Consumer<CheckResult> listener) {
    this.plan = plan;
    this.runner = new CheckRunner(plan.broker(), plan.trusted(), clock, listener);
    this.client = new BrokerClient(runner, plan.broker(), plan.id(), plan.path());
  }

  /** Runs all steps that make sense. Returns whether all passed. */
  public boolean run() {
    if (!runner.reachBroker()
        || !runner.run("request", this::request)
        || !runner.run("response framing", this::framing)) {
      return false;
    }
    boolean all = runner.run("second request", this::secondRequest);
    all &= runner.run("pipelined requests", this::pipelined);
    all &= runner.run("request in pieces", this::inPieces);
    all &= runner.run("half-close", this::halfClose);
    all &= runner.run(IN_A_ROW + " in a row", this::inARow);
    all &= runner.run(AT_ONCE + " at once", this::atOnce);
    all &= runner.run("clients that disconnect", this::disconnect);
    all &= runner.run(plan.idle().toSeconds() + " s of silence", this::rest);
    return all;
  }

  private static void pause() throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(MOMENT.toMillis());
  }

  /** Runs a step, and adds advice to its failure, unless the broker had no tunnel. */
  private static String advised(String advice, Callable<String> step) throws Exception {
    try {
      return step.call();
    } catch (BrokerClient.NoTunnelException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException(FailureText.of(e) + "; " + advice, e);
    }
  }

  // The steps.

  private String request() throws IOException {
    long began = System.nanoTime();
    try (BlockingConnection connection = client.open()) {
      connection.send(client.head("GET", ""));
      Response response = Response.begin(connection, "GET");
      String time = CheckRunner.millisSince(began);
      finishIfPossible(response);
      client.checkNotBrokers(response);
      return "answered " + response.status() + " in " + time + origin(response);
    }
  }

  /** Reads the rest of a response. The next step reports what is wrong with it. */
  private static void finishIfPossible(Response response) {
    try {
      response.finish();
    } catch (IOException e) {
      // What has arrived has to do.
    }
  }

  private static String origin(Response response) {
    return response.status() == 502 || response.status() == 503
        ? "; not in the broker's form, so it is the hidden server's own"
        : "";
  }

  private String framing() throws IOException {
    Response get = framed("GET");
    bytesBefore = get.bytes();
    Response head = framed("HEAD");
    if (head.mayBeBrokers() && head.status() != get.status()) {
      throw new IOException(
          "HEAD: "
              + head.status()
              + ", apparently from the broker (only a body would tell for sure), while GET is"
              + " answered; check the hidden server's log");
    }
    return "GET: " + get + "; HEAD: " + head.status();
  }

  private Response framed(String method) throws IOException {
    try (BlockingConnection connection = client.open()) {
      Response response = client.ask(connection, method, "");
      if (!response.endsWithConnection()
          && connection.await(MOMENT) == BlockingConnection.Arrived.BYTES) {
        throw new IOException(
            method.equals("HEAD")
                ? "HEAD was answered with a body, which clients take for the next response"
                : "bytes follow the response (" + response + "): is its length right?");
      }
      return response;
    } catch (BrokerClient.NoTunnelException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException(method + ": " + FailureText.of(e), e);
    }
  }

  private String secondRequest() throws Exception {
    return advised(
        "answer every request of a connection, or send Connection: close",
        () -> {
          try (BlockingConnection connection = client.open()) {
            if (client.ask(connection, "GET", "").isLast()) {
              return "closed after each response: that works, but each request takes a tunnel";
            }
            if (connection.await(MOMENT) == BlockingConnection.Arrived.END) {
              return "closed after a response without Connection: close: slower, and a request"
                  + " sent at that moment is lost";
            }
            client.ask(connection, "GET", "");
            return "answered on the same connection";
          }
        });
  }

  private String pipelined() throws Exception {
    return advised(
        "keep what was read after one request for the next; after Connection: close, keep"
            + " reading and discard it",
        () -> {
          try (BlockingConnection connection = client.open()) {
            connection.send(client.head("GET", "") + client.head("GET", ""));
            if (client.readResponse(connection, "GET").isLast()) {
              return "closed after the first response: clients repeat the second request";
            }
            return responseOrEnd(connection);
          }
        });
  }

  private String responseOrEnd(BlockingConnection connection) throws IOException {
    try {
      client.readResponse(connection, "GET");
      return "two requests in one packet are both answered";
    } catch (EOFException e) {
      return "closed after a first response without Connection: close: clients repeat the second"
          + " request";
    }
  }

  private String inPieces() throws Exception {
    return advised(
        "a body arrives in pieces and later than its head: wait for it, or discard it before"
            + " closing",
        () -> {
          try (BlockingConnection connection = client.open()) {
            connection.send(
                client.head("POST", "Content-Type: text/plain\r\nContent-Length: 5\r\n"));
            pause();
            sendIfPossible(connection, "hello");
            return "POST, its body "
                + MOMENT.toMillis()
                + " ms later: "
                + client.readResponse(connection, "POST");
          }
        });
  }

  private static void sendIfPossible(BlockingConnection connection, String text) {
    try {
      connection.send(text);
    } catch (IOException e) {
      // The request may have been answered without its body.
    }
  }

  private String halfClose() throws Exception {
    return advised(
        "a client may close its own direction and wait: send the whole response (Node:"
            + " allowHalfOpen; TLS 1.2 cannot half-close, so use TLS 1.3)",
        () -> {
          try (BlockingConnection connection = client.open()) {
            connection.send(client.head("GET", CLOSE));
            connection.shutdownOutput();
            Response response = client.readResponse(connection, "GET");
            if (response.endsWithConnection()) {
              return String.format(
                  "%d bytes up to the end, %d without half-close: such a response does not tell its"
                      + " length",
                  response.bytes(), bytesBefore);
            }
            if (connection.await(MAX_CLOSE_TIME) != BlockingConnection.Arrived.END) {
              throw new IOException("the connection does not end after Connection: close");
            }
            return "the whole response and the end arrive after the client's own end";
          }
        });
  }

  private String inARow() throws IOException {
    long began = System.nanoTime();
    for (int i = 1; i <= IN_A_ROW; i++) {
      try {
        client.ask();
      } catch (IOException e) {
        throw new IOException("request " + i + " of " + IN_A_ROW + ": " + FailureText.of(e), e);
      }
    }
    return "all answered, in " + CheckRunner.millisSince(began);
  }

  private String atOnce() throws IOException {
    List<BlockingConnection> connections = new ArrayList<>();
    try {
      for (int i = 0; i < AT_ONCE; i++) {
        connections.add(client.open());
      }
      long began = System.nanoTime();
      for (BlockingConnection connection : connections) {
        connection.send(client.head("GET", CLOSE));
      }
      for (BlockingConnection connection : connections) {
        client.readResponse(connection, "GET");
      }
      return "all answered, in " + CheckRunner.millisSince(began);
    } finally {
      connections.forEach(BlockingConnection::close);
    }
  }

  private String disconnect() throws Exception {
    return advised(
        "a client that disconnects may end its own tunnel, and nothing else",
        () -> {
          for (int i = 0; i < AT_ONCE; i++) {
            try (BlockingConnection connection = client.open()) {
              connection.send(client.head("GET", ""));
              connection.reset();
            }
          }
          try (BlockingConnection connection = client.open()) {
            connection.send(
                client.head("POST", "Content-Type: text/plain\r\nContent-Length: 10\r\n")
                    + "hello");
          }
          pause();
          client.ask();
          return "the next client is answered";
        });
  }

  private String rest() throws Exception {
    TimeUnit.MILLISECONDS.sleep(plan.idle().toMillis());
    try {
      client.ask();
      return "a request afterwards is answered";
    } catch (IOException e) {
      throw new IOException(
          FailureText.of(e)
              + "; if something on the path cuts idle connections, set the broker's"
              + " rendezvous.tunnel-age below that",
          e);
    }
  }
}
