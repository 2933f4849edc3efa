package io.rendezvous.agent.check;

import io.rendezvous.agent.Address;
import java.io.IOException;
import java.util.UUID;

/**
 * Sends requests to a hidden server through the broker, with its UUID in each of them. A response
 * of the broker itself is an exception.
 *
 * <p>Used by one thread.
 */
final class BrokerClient {
  private static final int BAD_GATEWAY = 502;
  private static final String START = "start the hidden server, or check the UUID";
  private static final String PARK = "park another tunnel whenever one is taken or ends";

  /** The broker had no tunnel for a request. The message says what to do. */
  static final class NoTunnelException extends IOException {
    private static final long serialVersionUID = 1;

    NoTunnelException(String message) {
      super(message);
    }
  }

  private final CheckRunner runner;
  private final Address broker;
  private final UUID id;
  private final String path;
  private boolean reached; // by an earlier request

  BrokerClient(CheckRunner runner, Address broker, UUID id, String path) {
    this.runner = runner;
    this.broker = broker;
    this.id = id;
    this.path = path;
  }

  BlockingConnection open() throws IOException {
    return runner.open();
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

  /** Sends a GET on a connection of its own, which ends with the response. */
  void ask() throws IOException {
    try (BlockingConnection connection = open()) {
      ask(connection, "GET", "Connection: close\r\n");
    }
  }

  /** Sends a request, and reads the response. */
  Response ask(BlockingConnection connection, String method, String moreLines) throws IOException {
    connection.send(head(method, moreLines));
    return readResponse(connection, method);
  }

  /** Reads a response of the hidden server to its end. */
  Response readResponse(BlockingConnection connection, String method) throws IOException {
    Response response = Response.begin(connection, method).finish();
    checkNotBrokers(response);
    return response;
  }

  /**
   * Checks that a response is not the broker's own, as far as its form tells.
   *
   * @throws IOException if it is the broker's
   */
  void checkNotBrokers(Response response) throws IOException {
    String reason = response.brokersReason().orElse(null);
    if (reason != null) {
      String found = response.status() + ", apparently from the broker (" + reason + "); ";
      if (response.status() == BAD_GATEWAY) {
        throw new IOException(found + "check the hidden server's log");
      }
      throw new NoTunnelException(found + (reached ? PARK : START));
    }
    reached = true;
  }
}
