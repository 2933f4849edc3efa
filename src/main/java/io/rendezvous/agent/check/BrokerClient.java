package io.rendezvous.agent.check;

import io.rendezvous.agent.Address;
import java.io.IOException;
import java.util.UUID;

/**
 * Asks a hidden server for something, through the broker, with its UUID sent unasked. What the
 * broker answers in its place is an exception.
 *
 * <p>For one thread.
 */
final class BrokerClient {
  private static final int BAD_GATEWAY = 502;
  private static final String START = "start the hidden server, or look at the UUID";
  private static final String PARK = "park another tunnel whenever one is taken, and when one ends";

  /** No tunnel was there, as the broker says; the message says what to do. */
  static final class Unparked extends IOException {
    private static final long serialVersionUID = 1;

    Unparked(String message) {
      super(message);
    }
  }

  private final CheckRunner steps;
  private final Address broker;
  private final UUID id;
  private final String path;
  private boolean met;

  BrokerClient(CheckRunner steps, Address broker, UUID id, String path) {
    this.steps = steps;
    this.broker = broker;
    this.id = id;
    this.path = path;
  }

  BlockingConnection open() throws IOException {
    return steps.open();
  }

  String head(String method, String moreLines) {
    return method
        + " "
        + path
        + " HTTP/1.1\r\nHost: "
        + broker
        + "\r\nAuthorization: Digest username=\""
        + id
        + "\"\r\n"
        + moreLines
        + "\r\n";
  }

  /** Asks on a connection of its own, which ends with the answer. */
  void ask() throws IOException {
    try (BlockingConnection wire = open()) {
      ask(wire, "GET", "Connection: close\r\n");
    }
  }

  Response ask(BlockingConnection wire, String method, String moreLines) throws IOException {
    wire.send(head(method, moreLines));
    return answer(wire, method);
  }

  /** Reads an answer to its end, which has to be the hidden server's. */
  Response answer(BlockingConnection wire, String method) throws IOException {
    Response answer = Response.begin(wire, method).finish();
    refuseBrokers(answer);
    return answer;
  }

  /** Lets only an answer of the hidden server's pass, as far as its form tells. */
  void refuseBrokers(Response answer) throws IOException {
    String reason = answer.brokersReason().orElse(null);
    if (reason != null) {
      String found = answer.status() + " by the broker, as it looks (" + reason + "); ";
      if (answer.status() == BAD_GATEWAY) {
        throw new IOException(found + "look at what the hidden server says");
      }
      throw new Unparked(found + (met ? PARK : START));
    }
    met = true;
  }
}
