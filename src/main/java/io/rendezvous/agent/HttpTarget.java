package io.rendezvous.agent;

import io.rendezvous.http.HandlerServer;
import io.rendezvous.net.Conn;
import java.nio.ByteBuffer;

/** A handler of HTTP requests, whose accepted connections are the tunnels. */
final class HttpTarget implements Target {
  private final HandlerServer server;

  HttpTarget(HandlerServer server) {
    this.server = server;
  }

  @Override
  public void serve(Conn tunnel, ByteBuffer first, Listener listener) {
    server.accept(
        tunnel,
        first,
        () -> {
          listener.event("ended");
          listener.over();
        });
  }

  @Override
  public void drain() {
    server.drain();
  }
}
