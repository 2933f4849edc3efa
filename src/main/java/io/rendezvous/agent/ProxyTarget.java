package io.rendezvous.agent;

import io.rendezvous.http.proxy.ReverseProxy;
import io.rendezvous.http.relay.HttpRelay;
import io.rendezvous.http.relay.HttpTraffic;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Network;
import io.rendezvous.net.ProxyHeader;
import io.rendezvous.net.Relays;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** A local HTTP server, to which the requests of each tunnel are passed on. */
final class ProxyTarget implements Target {
  private static final Duration LINGER = Duration.ofMinutes(2);
  private static final Duration STALL = Duration.ofMinutes(10);
  private static final Duration SWEEP_EVERY = Duration.ofSeconds(1);

  private final Network network;
  private final ReverseProxy proxy;
  private final Relays switched = new Relays(LINGER, STALL); // to other protocols
  private final HttpTraffic traffic = new HttpTraffic();
  private final Set<HttpRelay> open = ConcurrentHashMap.newKeySet();
  private volatile boolean draining;
  private volatile boolean ended;

  /**
   * Creates a target.
   *
   * @param proxies creates the proxy for what its relays have in common
   */
  ProxyTarget(Network network, Function<HttpRelay.Context, ReverseProxy> proxies) {
    this.network = network;
    this.proxy = proxies.apply(new HttpRelay.Context(InstantSource.system(), switched, traffic));
    sweep();
  }

  private void sweep() {
    long now = System.nanoTime();
    switched.sweep(now);
    open.forEach(relay -> relay.check(now, LINGER, STALL));
    if (!draining || !open.isEmpty()) {
      network.after(SWEEP_EVERY, this::sweep);
    }
  }

  @Override
  public void serve(
      Conn tunnel, Optional<ProxyHeader> header, ByteBuffer first, Listener listener) {
    HttpRelay[] relay = new HttpRelay[1];
    relay[0] =
        proxy.relay(
            tunnel,
            header.flatMap(ProxyHeader::source),
            () -> {
              open.remove(relay[0]);
              listener.ended("ended");
            });
    open.add(relay[0]);
    relay[0].start(first);
    if (ended) {
      relay[0].cutOff();
    } else if (draining) {
      relay[0].drain();
    }
  }

  @Override
  public Status.Traffic traffic() {
    return new Status.Traffic(
        traffic.requests(),
        traffic.bytesUp() + switched.bytesUp(),
        traffic.bytesDown() + switched.bytesDown());
  }

  @Override
  public void drain() {
    draining = true;
    open.forEach(HttpRelay::drain);
  }

  @Override
  public void end() {
    ended = true;
    open.forEach(HttpRelay::cutOff); // as if the client had left
  }
}
