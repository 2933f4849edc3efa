package io.rendezvous.tunnel;

import io.rendezvous.http.Identity;
import io.rendezvous.http.SeenRequest;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells several listeners, in their order. A listener that throws an exception affects neither the
 * others nor the tunnels: the exception is logged.
 */
final class CombinedListener implements TunnelListener {
  private static final Logger LOG = LoggerFactory.getLogger(CombinedListener.class);

  private final List<TunnelListener> listeners;

  CombinedListener(List<TunnelListener> listeners) {
    this.listeners = List.copyOf(listeners);
  }

  private void tell(Consumer<TunnelListener> event) {
    for (TunnelListener listener : listeners) {
      try {
        event.accept(listener);
      } catch (RuntimeException e) {
        LOG.error("A listener failed: {}", e.toString(), e);
      }
    }
  }

  @Override
  public void parked(UUID id, InetSocketAddress from) {
    tell(listener -> listener.parked(id, from));
  }

  @Override
  public void ended(UUID id, Tunnel.End why) {
    tell(listener -> listener.ended(id, why));
  }

  @Override
  public void probed(UUID id, ProbeOutcome outcome, Duration took) {
    tell(listener -> listener.probed(id, outcome, took));
  }

  @Override
  public void absent(UUID id) {
    tell(listener -> listener.absent(id));
  }

  @Override
  public void paired(Rendezvous rendezvous) {
    tell(listener -> listener.paired(rendezvous));
  }

  @Override
  public void identified(Identity.Carrier carrier) {
    tell(listener -> listener.identified(carrier));
  }

  @Override
  public void reached(Rendezvous rendezvous) {
    tell(listener -> listener.reached(rendezvous));
  }

  @Override
  public void over(Rendezvous rendezvous) {
    tell(listener -> listener.over(rendezvous));
  }

  @Override
  public void requested(UUID id, InetSocketAddress client, SeenRequest request) {
    tell(listener -> listener.requested(id, client, request));
  }

  @Override
  public void refused(Refusal refusal) {
    tell(listener -> listener.refused(refusal));
  }
}
