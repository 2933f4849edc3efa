package io.rendezvous.protocol;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Relay;
import io.rendezvous.net.Relays;
import io.rendezvous.tunnel.Rendezvous;
import io.rendezvous.tunnel.Tunnel;
import io.rendezvous.tunnel.TunnelListener;
import io.rendezvous.tunnel.TunnelRegistry;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Relays between clients and the tunnels they were given, and tells observers. */
public final class Matchmaker {
  private static final Logger LOG = LoggerFactory.getLogger(Matchmaker.class);

  private final TunnelRegistry tunnels;
  private final Relays relays;
  private final TunnelListener observer;
  private final InstantSource clock;

  /** Creates those of one registry of tunnels. */
  public Matchmaker(TunnelRegistry tunnels, Relays relays, TunnelListener observer, InstantSource clock) {
    this.tunnels = tunnels;
    this.relays = relays;
    this.observer = observer;
    this.clock = clock;
  }

  /** What a client's side wants to know. */
  public interface Owner {
    /**
     * The tunnel ended before a single octet came from it, and is closed; the client's connection
     * is the owner's again. Called on that one's thread.
     *
     * @param sent what may have gone down the tunnel
     */
    void unanswered(Relay.Sent sent);
  }

  /**
   * Takes both connections over and relays whatever they say, the end without an answer like any
   * other. Called on the client's thread.
   *
   * @param tunnel was taken for this client
   * @param came when the client made its wish known, by {@link System#nanoTime}
   * @param first goes down the tunnel before anything that is read
   */
  public void pair(Conn client, Tunnel tunnel, long came, ByteBuffer first) {
    pair(client, tunnel, came, 1, first, null);
  }

  /**
   * Takes both connections over and relays. Called on the client's thread.
   *
   * @param tunnel was taken for this client
   * @param came when the client made its wish known, by {@link System#nanoTime}
   * @param attempt 1, or more where earlier tunnels gave no answer
   * @param first goes down the tunnel before anything that is read
   * @param owner takes the client back where there is no answer, unless it is null
   */
  public void pair(
      Conn client, Tunnel tunnel, long came, int attempt, ByteBuffer first, @Nullable Owner owner) {
    pair(client, tunnel, came, attempt, owner).start(first);
  }

  /**
   * Takes both connections over, tells both that they are joined, and relays. Then no end of the
   * tunnel counts as unanswered, unless its entry was deleted before it began. Called on the
   * client's thread.
   *
   * @param greeting what both are told
   * @param first goes down the tunnel then
   */
  public void join(
      Conn client, Tunnel tunnel, long came, ByteBuffer greeting, ByteBuffer first, Owner owner) {
    pair(client, tunnel, came, 1, owner).start(greeting, first);
  }

  private Relay pair(Conn client, Tunnel tunnel, long came, int attempt, @Nullable Owner owner) {
    Pairing pairing = new Pairing(client, tunnel, owner);
    Relay relay = new Relay(client, tunnel.conn(), pairing);
    Duration wait = Duration.ofNanos(System.nanoTime() - came);
    Rendezvous rendezvous =
        new Rendezvous(tunnel.id(), client.peer(), clock.instant(), wait, attempt, relay);
    pairing.relay = relay;
    pairing.rendezvous = rendezvous;
    relays.add(relay);
    observer.paired(rendezvous);
    tunnels.paired(tunnel, relay::end);
    LOG.debug("{} paired with {}", client, tunnel);
    return relay;
  }

  /** Hears how a relay ends. */
  private final class Pairing implements Relay.Owner {
    private final Conn client;
    private final Tunnel tunnel;
    private final @Nullable Owner owner;
    private @Nullable Relay relay;
    private @Nullable Rendezvous rendezvous;

    Pairing(Conn client, Tunnel tunnel, @Nullable Owner owner) {
      this.client = client;
      this.tunnel = tunnel;
      this.owner = owner;
    }

    @Override
    public void reached() {
      Rendezvous going = rendezvous;
      if (going != null) {
        going.reach();
        observer.reached(going);
      }
    }

    @Override
    public boolean takesBack() {
      return owner != null;
    }

    @Override
    public void unanswered(Relay.Sent sent) {
      over();
      Owner again = owner;
      if (again != null) {
        again.unanswered(sent);
      }
    }

    @Override
    public void over() {
      tunnels.over(tunnel);
      Relay ended = relay;
      if (ended != null) {
        relays.remove(ended);
        LOG.debug(
            "{} and {} ended: {} octets up, {} down",
            client,
            tunnel,
            ended.octetsUp(),
            ended.octetsDown());
      }
      Rendezvous over = rendezvous;
      if (over != null) {
        over.end();
        observer.over(over);
      }
    }
  }
}
