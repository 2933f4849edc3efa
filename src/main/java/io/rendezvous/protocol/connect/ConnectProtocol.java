package io.rendezvous.protocol.connect;

import io.rendezvous.config.RelayMode;
import io.rendezvous.entry.ClientAuthenticator;
import io.rendezvous.entry.ClientPassword;
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
import io.rendezvous.protocol.LinkResolver;
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

  private static final Problem NO_ID =
      Problem.permanent(400, "Rendezvous-ID is neither a UUID nor the label of an open entry");

  /** The answer for a label that is unknown, too: it must not reveal which labels there are. */
  static final Problem HOST_ABSENT =
      Problem.temporary(404, "no hidden server is connected under this host name").atHost();

  private final TunnelService tunnels;
  private final LaterHeads.Checks laterHeads;
  private final LabelResolver labels;
  private final LinkResolver links;
  private final Challenger challenger;
  private final PasswordGate gate;
  private final Refusals refusals;
  private final Executor worker;
  private volatile RelayMode relayMode = RelayMode.RAW;

  /**
   * Finds the hidden servers that requests name.
   *
   * @param labels finds them by labels
   * @param links finds them by cookies
   * @param clients knows the passwords that clients need
   */
  public record Directory(LabelResolver labels, LinkResolver links, ClientAuthenticator clients) {}

  /**
   * Creates the protocol.
   *
   * @param realm the realm of the challenges
   * @param worker runs tasks that may block
   */
  public ConnectProtocol(
      TunnelService tunnels,
      Directory directory,
      String realm,
      Refusals refusals,
      InstantSource clock,
      Executor worker) {
    this.tunnels = tunnels;
    this.labels = directory.labels();
    this.links = directory.links();
    Nonces nonces = new Nonces(clock);
    this.challenger = new Challenger(new Challenge(realm, nonces), refusals);
    this.gate = new PasswordGate(directory.clients(), nonces, challenger, refusals, worker);
    this.laterHeads = new LaterHeads.Checks(labels, gate, refusals);
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
      rendezvous(client, atHost(client, entry.get()));
    } else if (request.named().get().found() instanceof LabelResolver.Found.Unavailable) {
      refuse(client, UNAVAILABLE.atHost());
    } else {
      refuse(client, HOST_ABSENT);
    }
  }

  private static ClientSession.Named atHost(ClientConnection client, Entry entry) {
    RequestHead head = client.head();
    Identity identity = Identity.atHostName(head);
    return new ClientSession.Named(head, entry.id(), identity, false, Optional.empty());
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
      refuse(client, malformed(e));
      return;
    }
    gate.check(
        client,
        entry.id(),
        identity,
        password -> {
          if (password.isPresent()) {
            rendezvous(client, entry.id(), identity.orElseThrow(), password);
          } else if (entry.isChallenged()) {
            identify(client);
          } else {
            rendezvous(client, atHost(client, entry));
          }
        });
  }

  private static boolean names(Identity identity, Entry entry) {
    return identity.id().filter(entry.id()::equals).isPresent()
        || entry.isOpen() && entry.labels().contains(LowerCase.of(identity.name()));
  }

  private void identify(ClientConnection client) {
    try {
      identify(client, Identity.of(client.head()));
    } catch (ProtocolException e) {
      refuse(client, malformed(e));
    }
  }

  private void identify(ClientConnection client, Optional<Identity> found) {
    if (found.isEmpty()) {
      challenger.askName(client);
      return;
    }
    Identity identity = found.get();
    String name = identity.name();
    if (identity.carrier() == Identity.Carrier.COOKIE) {
      client.ask(worker, () -> links.cookie(name), link -> onCookie(client, identity, link));
    } else if (identity.id().isPresent()) {
      pass(client, identity.id().get(), identity);
    } else {
      client.ask(worker, () -> labels.find(name), label -> onLabel(client, identity, label));
    }
  }

  /**
   * Handles a cookie. If the entry has a password, the cookie was issued to a client that knew it.
   */
  private void onCookie(ClientConnection client, Identity identity, LinkResolver.Found found) {
    if (found instanceof LinkResolver.Found.Valid valid) {
      rendezvous(client, valid.entry().id(), identity, Optional.empty());
    } else if (found instanceof LinkResolver.Found.Unavailable) {
      refuse(client, UNAVAILABLE);
    } else {
      try {
        identify(client, Identity.withoutCookie(client.head()));
      } catch (ProtocolException e) {
        refuse(client, malformed(e));
      }
    }
  }

  private static Problem malformed(ProtocolException e) {
    return Problem.permanent(400, String.valueOf(e.getMessage()));
  }

  /** Handles a label as ID. It can be guessed, so it counts only if the entry is open. */
  private void onLabel(ClientConnection client, Identity identity, LabelResolver.Found found) {
    if (found instanceof LabelResolver.Found.Known known && known.entry().isOpen()) {
      pass(client, known.entry().id(), identity);
    } else if (found instanceof LabelResolver.Found.Unavailable) {
      refuse(client, UNAVAILABLE);
    } else if (identity.carrier() == Identity.Carrier.HEADER) {
      refuse(client, NO_ID); // a program does not answer a challenge with another header
    } else {
      challenger.askName(client);
    }
  }

  private void pass(ClientConnection client, UUID id, Identity identity) {
    gate.pass(
        client, id, Optional.of(identity), password -> rendezvous(client, id, identity, password));
  }

  private void rendezvous(
      ClientConnection client, UUID id, Identity identity, Optional<ClientPassword> password) {
    boolean guarded =
        password.isPresent()
            || identity.carrier() == Identity.Carrier.HEADER
            || identity.carrier() == Identity.Carrier.COOKIE;
    rendezvous(client, new ClientSession.Named(client.head(), id, identity, guarded, password));
  }

  private void rendezvous(ClientConnection client, ClientSession.Named named) {
    refusals.identified(named.identity().carrier());
    Conn conn = client.takeOver();
    new ClientSession(conn, named, tunnels, laterHeads, refusals, relayMode).start();
  }

  private void refuse(ClientConnection client, Problem problem) {
    RequestHead head = client.head();
    refusals.client(client.takeOver(), head, problem);
  }
}
