package io.rendezvous.protocol.connect;

import io.rendezvous.entry.ClientAuthenticator;
import io.rendezvous.entry.ClientAuthenticator.Verdict;
import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import io.rendezvous.http.ClientConnection;
import io.rendezvous.http.Identity;
import io.rendezvous.http.Nonces;
import io.rendezvous.http.PasswordProof;
import io.rendezvous.http.Problem;
import io.rendezvous.http.RequestHead;
import io.rendezvous.protocol.Refusals;
import java.net.ProtocolException;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Lets the clients of an entry with a password pass only if they send it (protocol.md, 1.8). All
 * others pass at once, without a look into the store. Lives on the I/O threads of its connections.
 */
final class PasswordGate {
  private final ClientAuthenticator authenticator;
  private final Nonces nonces;
  private final Challenger challenger;
  private final Refusals refusals;
  private final Executor worker;

  /**
   * Creates a gate.
   *
   * @param worker runs tasks that may block
   */
  PasswordGate(
      ClientAuthenticator authenticator,
      Nonces nonces,
      Challenger challenger,
      Refusals refusals,
      Executor worker) {
    this.authenticator = authenticator;
    this.nonces = nonces;
    this.challenger = challenger;
    this.refusals = refusals;
    this.worker = worker;
  }

  /** Returns whether clients of an entry may have to send a password. */
  boolean mayBeClosed(Entry entry) {
    return entry.hasPassword() || authenticator.mayBeProtected(entry.id());
  }

  /**
   * Lets a client pass, or answers it.
   *
   * @param id the hidden server
   * @param identity how the request names the hidden server; empty if the host name alone does,
   *     which proves nothing
   * @param passed is called once the client may pass; it accepts the password, if one was needed
   */
  void pass(
      ClientConnection client,
      UUID id,
      Optional<Identity> identity,
      Consumer<Optional<ClientPassword>> passed) {
    if (!authenticator.mayBeProtected(id)) {
      passed.accept(Optional.empty());
      return;
    }
    check(client, id, identity, passed);
  }

  /** Does the same for an entry that may be closed although its UUID is not known to be. */
  void check(
      ClientConnection client,
      UUID id,
      Optional<Identity> identity,
      Consumer<Optional<ClientPassword>> passed) {
    Optional<Predicate<ClientPassword>> isRight = Optional.empty();
    Runnable onRefused = () -> challenger.askPassword(client, false);
    try {
      PasswordProof proof =
          identity.isPresent()
              ? PasswordProof.of(identity.get(), client.head(), nonces)
              : new PasswordProof.None();
      if (proof instanceof PasswordProof.Given given) {
        isRight = Optional.of(given.isRight());
      } else if (proof instanceof PasswordProof.Stale) {
        onRefused = () -> challenger.askPassword(client, true);
      }
    } catch (ProtocolException e) { // it matters only if there is a password
      Problem malformed = Problem.permanent(400, String.valueOf(e.getMessage()));
      onRefused = () -> refuse(client, id, malformed);
    }
    new Check(client, id, isRight, onRefused, passed).run(false);
  }

  /**
   * Returns whether clients of a UUID may have to send a password now. Never blocks.
   *
   * @param id the hidden server
   */
  boolean mayBeClosed(UUID id) {
    return authenticator.mayBeProtected(id);
  }

  /**
   * Returns whether a later request of a connection proves the password that let the first one
   * pass. A wrong one is not counted: it ends the client's direction, and the first one of a
   * further connection is. Never blocks.
   *
   * @throws ProtocolException if the credentials are malformed, or made for another request
   */
  boolean provesAgain(Identity identity, RequestHead head, ClientPassword password)
      throws ProtocolException {
    return PasswordProof.ofLater(identity, head, nonces) instanceof PasswordProof.Given given
        && given.isRight().test(password);
  }

  private void refuse(ClientConnection client, UUID id, Problem problem) {
    RequestHead head = client.head();
    refusals.client(client.takeOver(), head, Optional.of(id), problem);
  }

  /** The check of one request. */
  private final class Check {
    private final ClientConnection client;
    private final UUID id;
    private final Optional<Predicate<ClientPassword>> isRight;
    private final Runnable onRefused;
    private final Consumer<Optional<ClientPassword>> passed;

    Check(
        ClientConnection client,
        UUID id,
        Optional<Predicate<ClientPassword>> isRight,
        Runnable onRefused,
        Consumer<Optional<ClientPassword>> passed) {
      this.client = client;
      this.id = id;
      this.isRight = isRight;
      this.onRefused = onRefused;
      this.passed = passed;
    }

    void run(boolean wasDeferred) {
      client.ask(
          worker,
          () -> authenticator.check(id, client.conn().source(), isRight, wasDeferred),
          this::onVerdict);
    }

    private void onVerdict(Verdict verdict) {
      if (verdict instanceof Verdict.Unprotected) {
        passed.accept(Optional.empty());
      } else if (verdict instanceof Verdict.Accepted accepted) {
        passed.accept(Optional.of(accepted.password()));
      } else if (verdict instanceof Verdict.Refused) {
        onRefused.run();
      } else if (verdict instanceof Verdict.Deferred deferred) {
        client.conn().after(deferred.delay(), () -> run(true));
      } else if (verdict instanceof Verdict.Throttled throttled) {
        int seconds = (int) throttled.delay().plusMillis(999).toSeconds();
        refuse(client, id, Problem.retry(429, "too many failures", seconds));
      } else {
        refuse(client, id, ConnectProtocol.UNAVAILABLE);
      }
    }
  }
}
