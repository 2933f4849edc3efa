package io.rendezvous.protocol.connect;

import io.rendezvous.config.RelayMode;
import io.rendezvous.entry.ClientAuthenticator;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.LowerCase;
import io.rendezvous.http.Challenge;
import io.rendezvous.http.ClientConnection;
import io.rendezvous.http.Identity;
import io.rendezvous.http.Nonces;
import io.rendezvous.http.Problem;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.Conn;
import io.rendezvous.protocol.ClientRequest;
import io.rendezvous.protocol.LabelResolver;
import io.rendezvous.protocol.Protocol;
import io.rendezvous.protocol.Refusals;
import io.rendezvous.protocol.TunnelService;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executor;

/**
 * The broker's main protocol. A connection that begins with CONNECT belongs to a hidden server, and
 * {@link ParkRequest} takes it over. Every other request belongs to a client. The client is
 * challenged until it names a hidden server; then {@link ClientSession} takes it over.
 *
 * <p>Lives on the I/O threads of its connections.
 */
public final class ConnectProtocol implements Protocol {
  private static final ByteBuffer CONNECT = ascii("CONNECT ");
  private static final ByteBuffer CONNECT_AFTER_EMPTY_LINE = ascii("\r\nCONNECT ");
  static final Problem UNAVAILABLE = Problem.retry(503, "the entries cannot be reached", 5);
  static final Problem ABSENT = Problem.temporary(404, "UUID not registered");

  /** The answer for a label that is unknown, too: it must not reveal which labels there are. */
  static final Problem HOST_ABSENT =
      Problem.temporary(404, "no hidden server is connected under this host name").atHost();

  private final TunnelService tunnels;
  private final LabelResolver labels;
  private final Challenger challenger;
  private final PasswordGate gate;
  private final Refusals refusals;
  private final Executor worker;
  private volatile RelayMode relayMode = RelayMode.RAW;

  /**
   * Creates the protocol.
   *
   * @param realm the realm of the challenges
   * @param clients knows the passwords that clients need
   * @param worker runs tasks that may block
   */
  public ConnectProtocol(
      TunnelService tunnels,
      LabelResolver labels,
      String realm,
      ClientAuthenticator clients,
      Refusals refusals,
      InstantSource clock,
      Executor worker) {
    this.tunnels = tunnels;
    this.labels = labels;
    Nonces nonces = new Nonces(clock);
    this.challenger = new Challenger(new Challenge(realm, nonces), refusals);
    this.gate = new PasswordGate(clients, nonces, challenger, refusals, worker);
    this.refusals = refusals;
    this.worker = worker;
  }

  /** Sets how clients are relayed if the entry does not say so. Any thread may call. */
  public void setRelayMode(RelayMode mode) {
    relayMode = mode;
  }

  // Hidden servers.

  @Override
  public Claim claims(ByteBuffer first) {
    Claim claim = claims(first, CONNECT);
    return claim == Claim.NO ? claims(first, CONNECT_AFTER_EMPTY_LINE) : claim;
  }

  private static Claim claims(ByteBuffer first, ByteBuffer start) {
    int length = Math.min(first.remaining(), start.remaining());
    boolean matches = first.slice().limit(length).equals(start.slice().limit(length));
    return !matches ? Claim.NO : length < start.remaining() ? Claim.NOT_YET : Claim.YES;
  }

  private static ByteBuffer ascii(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)).asReadOnlyBuffer();
  }

  @Override
  public void accept(Conn conn, Duration left) {
    new ParkRequest(conn, tunnels.parking(), refusals).start(left);
  }

  // Clients.

  @Override
  public boolean claims(ClientRequest request) {
    return true;
  }

  /**
   * Serves a request. A label in the host name comes before the Authorization, which is not looked
   * at then, because it is meant for the hidden server (protocol.md, 1.2).
   */
  @Override
  public void accept(ClientRequest request) {
    ClientConnection client = request.connection();
    Optional<Entry> entry = request.named().flatMap(ClientRequest.Named::entry);
    if (entry.filter(gate::mayBeClosed).isPresent()) {
      identifyAtHost(client, entry.get());
    } else if (request.named().isEmpty() || entry.map(Entry::isChallenged).orElse(false)) {
      identify(client);
    } else if (entry.isPresent()) {
      rendezvous(client, atHost(client, entry.get().id()));
    } else if (request.named().get().found() instanceof LabelResolver.Found.Unavailable) {
      refuse(client, UNAVAILABLE.atHost());
    } else {
      refuse(client, HOST_ABSENT);
    }
  }

  private static ClientSession.Named atHost(ClientConnection client, UUID id) {
    RequestHead head = client.head();
    return new ClientSession.Named(head, id, head.octets(), true, false);
  }

  /**
   * Serves a request whose host name names an entry that may have a password. If it has one, the
   * request has to name the entry in its head too.
   */
  private void identifyAtHost(ClientConnection client, Entry entry) {
    Optional<Identity> identity;
    try {
      identity = Identity.of(client.head()).filter(named -> names(named, entry));
    } catch (ProtocolException e) {
      refuse(client, Problem.permanent(400, String.valueOf(e.getMessage())));
      return;
    }
    gate.check(
        client,
        entry.id(),
        identity,
        withPassword -> {
          if (withPassword) {
            rendezvous(client, entry.id(), identity.orElseThrow(), true);
          } else if (entry.isChallenged()) {
            identify(client);
          } else {
            rendezvous(client, atHost(client, entry.id()));
          }
        });
  }

  private static boolean names(Identity identity, Entry entry) {
    return identity.id().filter(entry.id()::equals).isPresent()
        || entry.isOpen() && entry.labels().contains(LowerCase.of(identity.name()));
  }

  private void identify(ClientConnection client) {
    Optional<Identity> identity;
    try {
      identity = Identity.of(client.head());
    } catch (ProtocolException e) {
      refuse(client, Problem.permanent(400, String.valueOf(e.getMessage())));
      return;
    }
    if (identity.isEmpty()) {
      challenger.askName(client);
      return;
    }
    Optional<UUID> id = identity.get().id();
    if (id.isPresent()) {
      pass(client, id.get(), identity.get());
    } else {
      String label = identity.get().name();
      client.ask(worker, () -> labels.find(label), found -> onLabel(client, identity.get(), found));
    }
  }

  /** Handles a label as user name. It can be guessed, so it counts only if the entry is open. */
  private void onLabel(ClientConnection client, Identity identity, LabelResolver.Found found) {
    if (found instanceof LabelResolver.Found.Known known && known.entry().isOpen()) {
      pass(client, known.entry().id(), identity);
    } else if (found instanceof LabelResolver.Found.Unavailable) {
      refuse(client, UNAVAILABLE);
    } else {
      challenger.askName(client);
    }
  }

  private void pass(ClientConnection client, UUID id, Identity identity) {
    gate.pass(
        client,
        id,
        Optional.of(identity),
        withPassword -> rendezvous(client, id, identity, withPassword));
  }

  private void rendezvous(
      ClientConnection client, UUID id, Identity identity, boolean withPassword) {
    rendezvous(
        client, new ClientSession.Named(client.head(), id, identity.head(), false, withPassword));
  }

  private void rendezvous(ClientConnection client, ClientSession.Named named) {
    Conn conn = client.takeOver();
    new ClientSession(conn, named, tunnels, labels, refusals, relayMode).start();
  }

  private void refuse(ClientConnection client, Problem problem) {
    RequestHead head = client.head();
    refusals.client(client.takeOver(), head, problem);
  }
}
