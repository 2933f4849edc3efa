package io.rendezvous.agent.check;

import io.rendezvous.agent.Address;
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
 * Tries a hidden server that runs somewhere, whoever wrote it: it is its client, through the
 * broker, and knows no secret. What fails says what to do.
 *
 * <p>Where no request is answered, or the end of an answer cannot be told, nothing more is tried.
 * Of the steps after that, each has connections of its own and is taken whatever became of the
 * others.
 *
 * <p>For one thread.
 */
public final class ClientCheck {
  private static final int IN_A_ROW = 20;
  private static final int AT_ONCE = 8;

  /** What comes within it came without being asked for; what waits for it was not there at once. */
  private static final Duration MOMENT = Duration.ofMillis(300);

  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final String CLOSE = "Connection: close\r\n";

  /**
   * What is tried.
   *
   * @param id the hidden server
   * @param broker where the broker listens
   * @param trust whose certificate the broker is believed by
   * @param path what is asked for
   * @param idle for how long nothing is asked, in the end
   */
  public record Plan(
      UUID id, Address broker, TrustedCertificates trust, String path, Duration idle) {}

  private final Plan plan;
  private final CheckRunner steps;
  private final BrokerClient client;
  private long usualOctets;

  /**
   * Creates a check.
   *
   * @param findings is told of each step when it is done
   */
  public ClientCheck(Plan plan, InstantSource clock, Consumer<CheckResult> findings) {
    this.plan = plan;
    this.steps = new CheckRunner(plan.broker(), plan.trust(), clock, findings);
    this.client = new BrokerClient(steps, plan.broker(), plan.id(), plan.path());
  }

  /** Takes all steps that make sense; returns whether all passed. */
  public boolean run() {
    if (!steps.reachBroker()
        || !steps.take("request", this::request)
        || !steps.take("answer's framing", this::framing)) {
      return false;
    }
    boolean all = steps.take("second request", this::secondRequest);
    all &= steps.take("pipelined requests", this::pipelined);
    all &= steps.take("request in pieces", this::inPieces);
    all &= steps.take("half-close", this::halfClose);
    all &= steps.take(IN_A_ROW + " in a row", this::inARow);
    all &= steps.take(AT_ONCE + " at once", this::atOnce);
    all &= steps.take("clients that leave", this::leave);
    all &= steps.take(plan.idle().toSeconds() + " s of silence", this::rest);
    return all;
  }

  private static void pause() throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(MOMENT.toMillis());
  }

  /** Adds to what fails what this step knows of its cause, unless it is that nobody was there. */
  private static String advised(String advice, Callable<String> step) throws Exception {
    try {
      return step.call();
    } catch (BrokerClient.Unparked e) {
      throw e;
    } catch (IOException e) {
      throw new IOException(e.getMessage() + "; " + advice, e);
    }
  }

  // The steps.

  private String request() throws IOException {
    long began = System.nanoTime();
    try (BlockingConnection wire = client.open()) {
      wire.send(client.head("GET", ""));
      Response answer = Response.begin(wire, "GET");
      String time = CheckRunner.millisSince(began);
      finishIfPossible(answer);
      client.refuseBrokers(answer);
      return "answered " + answer.status() + " in " + time + whose(answer);
    }
  }

  /** What is wrong with the rest, the next step says. */
  private static void finishIfPossible(Response answer) {
    try {
      answer.finish();
    } catch (IOException e) {
      // What there is of it has to do.
    }
  }

  private static String whose(Response answer) {
    return answer.status() == 502 || answer.status() == 503
        ? "; not in the form of a broker's, so the hidden server's own"
        : "";
  }

  private String framing() throws IOException {
    Response get = framed("GET");
    usualOctets = get.octets();
    Response head = framed("HEAD");
    if (head.mayBeBrokers() && head.status() != get.status()) {
      throw new IOException(
          "HEAD: "
              + head.status()
              + ", by the broker, as it looks (for sure only a body would tell), while GET is"
              + " answered; look at what the hidden server says");
    }
    return "GET: " + get + "; HEAD: " + head.status();
  }

  private Response framed(String method) throws IOException {
    try (BlockingConnection wire = client.open()) {
      Response answer = client.ask(wire, method, "");
      if (!answer.endsWithConnection() && wire.listen(MOMENT) == BlockingConnection.Heard.OCTETS) {
        throw new IOException(
            method.equals("HEAD")
                ? "HEAD was answered with a body, which the client takes for the next answer"
                : "octets follow the answer (" + answer + "): does it say its right length?");
      }
      return answer;
    } catch (BrokerClient.Unparked e) {
      throw e;
    } catch (IOException e) {
      throw new IOException(method + ": " + e.getMessage(), e);
    }
  }

  private String secondRequest() throws Exception {
    return advised(
        "answer every request of a connection, or say Connection: close",
        () -> {
          try (BlockingConnection wire = client.open()) {
            if (client.ask(wire, "GET", "").isLast()) {
              return "closed after each answer: that works, but each request takes a tunnel";
            }
            if (wire.listen(MOMENT) == BlockingConnection.Heard.END) {
              return "closed after an answer that does not say Connection: close: slower, and a"
                  + " request sent just then is lost";
            }
            client.ask(wire, "GET", "");
            return "answered on the same connection";
          }
        });
  }

  private String pipelined() throws Exception {
    return advised(
        "keep what was read behind a request for the next; after Connection: close, read on and"
            + " drop it",
        () -> {
          try (BlockingConnection wire = client.open()) {
            wire.send(client.head("GET", "") + client.head("GET", ""));
            if (client.answer(wire, "GET").isLast()) {
              return "closed after the first answer: clients ask again for the second";
            }
            return answerOrEnd(wire);
          }
        });
  }

  private String answerOrEnd(BlockingConnection wire) throws IOException {
    try {
      client.answer(wire, "GET");
      return "two in one piece are both answered";
    } catch (EOFException e) {
      return "closed after a first answer that does not say Connection: close: clients ask again";
    }
  }

  private String inPieces() throws Exception {
    return advised(
        "a body comes in pieces, and later than its head: wait for it, or drop it before closing",
        () -> {
          try (BlockingConnection wire = client.open()) {
            wire.send(client.head("POST", "Content-Type: text/plain\r\nContent-Length: 5\r\n"));
            pause();
            sendIfPossible(wire, "hello");
            return "POST, its body "
                + MOMENT.toMillis()
                + " ms later: "
                + client.answer(wire, "POST");
          }
        });
  }

  private static void sendIfPossible(BlockingConnection wire, String text) {
    try {
      wire.send(text);
    } catch (IOException e) {
      // It may have been answered without its body.
    }
  }

  private String halfClose() throws Exception {
    return advised(
        "a client may end its own direction and wait: go on to the end of the answer (Node:"
            + " allowHalfOpen; a tunnel of TLS 1.2 cannot, so speak TLS 1.3)",
        () -> {
          try (BlockingConnection wire = client.open()) {
            wire.send(client.head("GET", CLOSE));
            wire.shutdownOutput();
            Response answer = client.answer(wire, "GET");
            if (answer.endsWithConnection()) {
              return String.format(
                  "%d octets and an end, %d before: such an answer does not tell its length",
                  answer.octets(), usualOctets);
            }
            if (wire.listen(PATIENCE) != BlockingConnection.Heard.END) {
              throw new IOException("the connection does not end after Connection: close");
            }
            return "the whole answer, and the end, after the client's own end";
          }
        });
  }

  private String inARow() throws IOException {
    long began = System.nanoTime();
    for (int i = 1; i <= IN_A_ROW; i++) {
      try {
        client.ask();
      } catch (IOException e) {
        throw new IOException("request " + i + " of " + IN_A_ROW + ": " + e.getMessage(), e);
      }
    }
    return "all answered, in " + CheckRunner.millisSince(began);
  }

  private String atOnce() throws IOException {
    List<BlockingConnection> wires = new ArrayList<>();
    try {
      for (int i = 0; i < AT_ONCE; i++) {
        wires.add(client.open());
      }
      long began = System.nanoTime();
      for (BlockingConnection wire : wires) {
        wire.send(client.head("GET", CLOSE));
      }
      for (BlockingConnection wire : wires) {
        client.answer(wire, "GET");
      }
      return "all answered, in " + CheckRunner.millisSince(began);
    } finally {
      wires.forEach(BlockingConnection::close);
    }
  }

  private String leave() throws Exception {
    return advised(
        "a client that leaves may end its own tunnel, and nothing else",
        () -> {
          for (int i = 0; i < AT_ONCE; i++) {
            try (BlockingConnection wire = client.open()) {
              wire.send(client.head("GET", ""));
              wire.reset();
            }
          }
          try (BlockingConnection wire = client.open()) {
            wire.send(
                client.head("POST", "Content-Type: text/plain\r\nContent-Length: 10\r\n")
                    + "hello");
          }
          pause();
          client.ask();
          return "the next is answered";
        });
  }

  private String rest() throws Exception {
    TimeUnit.MILLISECONDS.sleep(plan.idle().toMillis());
    try {
      client.ask();
      return "a request after it is answered";
    } catch (IOException e) {
      throw new IOException(
          e.getMessage()
              + "; if something on the way cuts what is silent, set the broker's"
              + " rendezvous.tunnel-age below that",
          e);
    }
  }
}
