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
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pairs clients with the tunnels that were taken for them. It starts the relay between the two, and
 * tells the registry and the listener when it begins and ends.
 */
public final class Matchmaker {
  private static final Logger LOG = LoggerFactory.getLogger(Matchmaker.class);

  private final TunnelRegistry tunnels;
  private final Relays relays;
  private final TunnelListener listener;
  private final InstantSource clock;
  private final LongSupplier ticker;

  /**
   * Creates the matchmaker of one registry.
   *
   * @param clock tells the time of day when a rendezvous began
   * @param ticker tells nanoseconds, as {@link System#nanoTime} does
   */
  public Matchmaker(
      TunnelRegistry tunnels,
      Relays relays,
      TunnelListener listener,
      InstantSource clock,
      LongSupplier ticker) {
    this.tunnels = tunnels;
    this.relays = relays;
    this.listener = listener;
    this.clock = clock;
    this.ticker = ticker;
  }

  /** Takes a client back whose tunnel gave no answer. */
  public interface Owner {
    /**
     * Takes the client's connection back, because the tunnel ended before a single byte came from
     * it. The tunnel is closed. Called on the client's I/O thread.
     *
     * @param sent how much the hidden server may have received
     */
    void unanswered(Relay.Sent sent);

    /**
     * Receives the first bytes that came from the tunnel. Called on the tunnel's I/O thread. The
     * buffer is to be left as it is, and not kept.
     */
    default void answered(ByteBuffer first) {}

    /** Handles that the rendezvous is over, unless it is unanswered. Called on any thread. */
    default void over(Rendezvous rendezvous) {}
  }

  /**
   * A client that is to be paired.
   *
   * @param arrivedAt when it asked for the tunnel, in nanoseconds
   * @param attempt 1, or more where earlier tunnels gave no answer
   */
  public record Client(Conn conn, long arrivedAt, int attempt) {}

  /**
   * Takes both connections over and relays between them. Called on the client's I/O thread.
   *
   * @param tunnel was taken for this client
   * @param first goes down the tunnel before anything else
   * @param owner takes the client back if the tunnel gives no answer; if it is null, the client
   *     sees the end of the tunnel instead
   */
  public void pair(Client client, Tunnel tunnel, ByteBuffer first, @Nullable Owner owner) {
    start(new Pair(client, tunnel, owner, null), relay -> relay.start(first));
  }

  /**
   * Takes both connections over and relays between them with a guard. Called on the client's I/O
   * thread.
   *
   * @param tunnel was taken for this client
   * @param first goes down the tunnel before anything else, without passing the guard
   * @param early was read from the client after the first head; it passes the guard, and goes down
   *     in one piece with the first
   * @param owner takes the client back if the tunnel gives no answer
   */
  public void pairGuarded(
      Client client,
      Tunnel tunnel,
      ByteBuffer first,
      ByteBuffer early,
      Relay.Filter guard,
      Owner owner) {
    start(new Pair(client, tunnel, owner, guard), relay -> relay.startFiltered(first, early));
  }

  /**
   * Takes both connections over, greets both sides, and relays between them. Called on the client's
   * I/O thread.
   *
   * @param greeting is sent to both sides before anything else
   * @param first goes down the tunnel after the greeting
   * @param owner takes the client back if the entry was deleted before the greeting; after it, the
   *     client sees the end of the tunnel
   */
  public void join(
      Client client, Tunnel tunnel, ByteBuffer greeting, ByteBuffer first, Owner owner) {
    start(new Pair(client, tunnel, owner, null), relay -> relay.start(greeting, first));
  }

  /** Starts the relay of a pair. An error leaves neither a pair nor a connection. */
  private void start(Pair pair, Consumer<Relay> starter) {
    try {
      pair.client.conn().identified();
      relays.add(pair.relay);
      listener.paired(pair.rendezvous);
      tunnels.paired(pair.tunnel, pair.relay::end);
      LOG.debug("{} paired with {}", pair.client.conn(), pair.tunnel);
      starter.accept(pair.relay);
    } catch (RuntimeException e) {
      pair.relay.fail(e);
    }
  }

  /** A client and its tunnel. */
  private final class Pair implements Relay.Owner, Rendezvous.Traffic {
    private final Client client;
    private final Tunnel tunnel;
    private final @Nullable Owner owner;
    private final Relay relay;
    private final Rendezvous rendezvous;

    Pair(Client client, Tunnel tunnel, @Nullable Owner owner, Relay.@Nullable Filter filter) {
      this.client = client;
      this.tunnel = tunnel;
      this.owner = owner;
      this.relay = new Relay(client.conn(), ParkedConnection.of(tunnel), this, filter);
      this.rendezvous =
          new Rendezvous(
              tunnel.id(),
              client.conn().peer(),
              clock.instant(),
              Duration.ofNanos(ticker.getAsLong() - client.arrivedAt()),
              client.attempt(),
              this,
              ticker);
    }

    @Override
    public long bytesIn() {
      return relay.bytesUp();
    }

    @Override
    public long bytesOut() {
      return relay.bytesDown();
    }

    @Override
    public void reached() {
      rendezvous.reached();
      listener.reached(rendezvous);
    }

    @Override
    public void answered(ByteBuffer first) {
      if (owner != null) {
        owner.answered(first);
      }
    }

    @Override
    public boolean takesBack() {
      return owner != null;
    }

    @Override
    public void unanswered(Relay.Sent sent) {
      end();
      if (owner != null) {
        owner.unanswered(sent);
      }
    }

    @Override
    public void over() {
      end();
      if (owner != null) {
        owner.over(rendezvous);
      }
    }

    private void end() {
      tunnels.over(tunnel);
      relays.remove(relay);
      LOG.debug(
          "{} and {} ended: {} bytes up, {} down",
          client.conn(),
          tunnel,
          relay.bytesUp(),
          relay.bytesDown());
      rendezvous.over(relay.ended().map(Matchmaker::end).orElseThrow());
      listener.over(rendezvous);
    }
  }

  private static Rendezvous.End end(Relay.End end) {
    return switch (end) {
      case WHOLE -> Rendezvous.End.WHOLE;
      case NEAR_BROKE -> Rendezvous.End.CLIENT_BROKE;
      case FAR_BROKE -> Rendezvous.End.SERVER_BROKE;
      case STOOD_STILL -> Rendezvous.End.STOOD_STILL;
      case CALLED_OFF -> Rendezvous.End.REVOKED;
      case CUT_OFF -> Rendezvous.End.BROKER_ENDED;
      case UNANSWERED -> Rendezvous.End.UNANSWERED;
    };
  }
}
