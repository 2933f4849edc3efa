package io.rendezvous.agent;

import io.rendezvous.http.undertow.UndertowServer;
import io.rendezvous.net.Conn;
import io.rendezvous.net.ProxyHeader;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** An HTTP server in this process, to which each tunnel is an accepted connection. */
final class HttpTarget implements Target {
  private final UndertowServer server;
  private final Set<Conn> open = ConcurrentHashMap.newKeySet();
  private volatile boolean ended;

  HttpTarget(UndertowServer server) {
    this.server = server;
  }

  @Override
  public void serve(
      Conn tunnel, Optional<ProxyHeader> header, ByteBuffer first, Listener listener) {
    open.add(tunnel);
    server.accept(
        tunnel,
        first,
        header.flatMap(ProxyHeader::source),
        () -> {
          open.remove(tunnel);
          listener.ended("ended");
        });
    if (ended) {
      tunnel.abort();
    }
  }

  @Override
  public Status.Traffic traffic() {
    return new Status.Traffic(server.requests(), server.octetsIn(), server.octetsOut());
  }

  @Override
  public void drain() {
    server.drain();
  }

  @Override
  public void end() {
    ended = true;
    open.forEach(tunnel -> tunnel.execute(tunnel::abort)); // as if the client had left
  }
}
