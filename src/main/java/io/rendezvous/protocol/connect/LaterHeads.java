package io.rendezvous.protocol.connect;

import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import io.rendezvous.http.Identity;
import io.rendezvous.http.Problem;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.relay.HttpGuard;
import io.rendezvous.link.Link;
import io.rendezvous.net.Conn;
import io.rendezvous.protocol.LabelResolver;
import io.rendezvous.protocol.Refusals;
import io.rendezvous.tunnel.TunnelListener;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.UUID;

/**
 * The heads that follow the first one of a guarded client (protocol.md, 1.7). Each has to name the
 * hidden server of the first, and is passed on without that identity.
 *
 * <p>Never blocks: a label is looked up in memory only, and one that is not known there counts as
 * another hidden server's. Lives on the client's I/O thread.
 */
final class LaterHeads implements HttpGuard.Owner {
  private final Conn client;
  private final UUID id;
  private final Optional<String> label;
  private final Optional<String> cookie;
  private final boolean atHostName;
  private final Optional<ClientPassword> password;
  private final LabelResolver labels;
  private final PasswordGate gate;
  private final Refusals refusals;

  /** What all guarded clients have in common. */
  record Checks(LabelResolver labels, PasswordGate gate, Refusals refusals) {}

  LaterHeads(Conn client, ClientSession.Named named, Checks checks) {
    this.client = client;
    this.id = named.id();
    this.password = named.password();
    this.label = checks.labels().labelOf(named.head());
    this.cookie = cookie(named.head());
    this.atHostName = named.atHostName();
    this.labels = checks.labels();
    this.gate = checks.gate();
    this.refusals = checks.refusals();
  }

  /** Returns the token of the cookie, if it is the identity. */
  private static Optional<String> cookie(RequestHead head) {
    try {
      return Identity.of(head)
          .filter(identity -> identity.carrier() == Identity.Carrier.COOKIE)
          .map(Identity::name);
    } catch (ProtocolException e) { // the host name is the identity
      return Optional.empty();
    }
  }

  @Override
  public ByteBuffer pass(RequestHead head) throws ProtocolException {
    head.checkLaterRequest();
    Optional<String> host = labels.labelOf(head);
    if (host.isEmpty() && head.path().startsWith(Link.PREFIX)) {
      // A browser sends it again on a new connection, where the broker answers it.
      throw new ProtocolException("it is for a page of the broker");
    }
    if (host.isPresent() && namesByHost(host.get())) {
      return Identity.atHostName(head).head();
    }
    Identity identity =
        Identity.of(head).orElseThrow(() -> new ProtocolException("it names no hidden server"));
    checkSame(named(identity));
    // Whoever has the cookie of a link has proved to know the password, or to be invited.
    if (identity.carrier() != Identity.Carrier.COOKIE
        && !gate.passesAgain(id, identity, head, password)) {
      throw new ProtocolException("it does not have the password, or its nonce has expired");
    }
    return identity.head();
  }

  /**
   * Returns whether the label in the host name is the head's identity. The same label as in the
   * first head is the same identity.
   */
  private boolean namesByHost(String host) throws ProtocolException {
    if (label.filter(host::equals).isPresent()) {
      return atHostName;
    }
    Optional<Entry> entry = labels.known(host);
    checkSame(entry.map(Entry::id));
    return entry.filter(Entry::isChallenged).isEmpty();
  }

  /**
   * Returns the hidden server that an identity names. A cookie has to be that of the first head.
   */
  private Optional<UUID> named(Identity identity) {
    if (identity.carrier() == Identity.Carrier.COOKIE) {
      return cookie.filter(identity.name()::equals).map(token -> id);
    }
    return identity
        .id()
        .or(() -> labels.known(identity.name()).filter(Entry::isOpen).map(Entry::id));
  }

  private void checkSame(Optional<UUID> named) throws ProtocolException {
    if (named.filter(id::equals).isEmpty()) {
      throw new ProtocolException("it names another hidden server");
    }
  }

  @Override
  public void refused(String why) {
    Problem problem = Problem.permanent(400, "a later request did not pass: " + why);
    refusals.refused(client, TunnelListener.Side.CLIENT, Optional.of(id), problem);
  }
}
