package io.rendezvous.agent;

import io.rendezvous.http.HandlerServer;
import io.rendezvous.net.Conn;
import io.rendezvous.net.ProxyHeader;
import java.nio.ByteBuffer;
import java.util.Optional;

/** A handler of HTTP requests, whose accepted connections are the tunnels. */
final class HttpTarget implements Target {
  private final HandlerServer server;

  HttpTarget(HandlerServer server) {
    this.server = server;
  }

  @Override
  public void serve(
      Conn tunnel, Optional<ProxyHeader> header, ByteBuffer first, Listener listener) {
    server.accept(tunnel, first, header.flatMap(ProxyHeader::source), () -> listener.over("ended"));
  }

  @Override
  public Status.Traffic traffic() {
    return new Status.Traffic(server.requests(), server.octetsIn(), server.octetsOut());
  }

  @Override
  public void drain() {
    server.drain();
  }
}
