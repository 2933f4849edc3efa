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
  private final Identity identity;
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
    this.identity = named.identity();
    this.labels = checks.labels();
    this.gate = checks.gate();
    this.refusals = checks.refusals();
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
    Identity later =
        Identity.of(head).orElseThrow(() -> new ProtocolException("it names no hidden server"));
    if (later.carrier() == Identity.Carrier.COOKIE) {
      checkCookie(later);
    } else {
      checkSame(named(later));
      checkPassword(later, head);
    }
    return later.head();
  }

  /**
   * Returns whether the label in the host name is the head's identity. The same label as in the
   * first head is the same identity. A host name proves no password.
   */
  private boolean namesByHost(String host) throws ProtocolException {
    boolean names;
    if (label.filter(host::equals).isPresent()) {
      names = identity.carrier() == Identity.Carrier.HOST_NAME;
    } else {
      Optional<Entry> entry = labels.known(host);
      checkSame(entry.map(Entry::id));
      names = entry.filter(Entry::isChallenged).isEmpty();
    }
    return names && password.isEmpty() && !gate.mayBeClosed(id);
  }

  /** Checks that a cookie is that of the first head, which was valid: it stands for a password. */
  private void checkCookie(Identity later) throws ProtocolException {
    if (identity.carrier() != Identity.Carrier.COOKIE || !later.name().equals(identity.name())) {
      throw new ProtocolException("its cookie is not that of the first request");
    }
  }

  private Optional<UUID> named(Identity later) {
    return later.id().or(() -> labels.known(later.name()).filter(Entry::isOpen).map(Entry::id));
  }

  /**
   * Checks that a head proves the password again. Whoever shares the connection of a client that
   * has proved it, such as other users of a proxy, must not profit from that.
   */
  private void checkPassword(Identity later, RequestHead head) throws ProtocolException {
    boolean proves =
        password.isPresent()
            ? gate.provesAgain(later, head, password.get())
            : !gate.mayBeClosed(id);
    if (!proves) {
      throw new ProtocolException("it does not prove the password");
    }
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
