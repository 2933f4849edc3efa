package io.rendezvous.protocol;

import io.rendezvous.entry.Authenticator;
import io.rendezvous.entry.Authenticator.Verdict;
import io.rendezvous.entry.Entry;
import io.rendezvous.http.Problem;
import io.rendezvous.net.Network;
import io.rendezvous.net.Source;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks tokens on threads that may block, and delays refusals so that their time reveals nothing.
 * Any thread may call.
 */
public final class TokenCheck {
  private static final Logger LOG = LoggerFactory.getLogger(TokenCheck.class);

  /** Longer than any check takes, so that the time of a refusal reveals nothing about its cause. */
  private static final Duration REFUSAL_TIME = Duration.ofMillis(100);

  private final Network network;
  private final Authenticator authenticator;
  private final Consumer<Entry> accepted;

  /**
   * Creates a check that asks an authenticator.
   *
   * @param accepted is told of each entry whose hidden server is accepted, before it can park
   */
  public TokenCheck(Network network, Authenticator authenticator, Consumer<Entry> accepted) {
    this.network = network;
    this.authenticator = authenticator;
    this.accepted = accepted;
  }

  /**
   * Checks the token that a source sends for a UUID.
   *
   * @param then accepts the verdict once it may be told, on a thread that may block
   */
  void check(UUID id, String token, Source source, Consumer<Verdict> then) {
    long began = System.nanoTime();
    network
        .worker()
        .execute(
            () -> {
              Verdict verdict = check(() -> authenticator.check(id, token, source));
              if (verdict instanceof Verdict.Deferred deferred) {
                network.afterOnWorker(
                    deferred.delay(),
                    () -> {
                      Verdict late = check(() -> authenticator.checkDeferred(id, token, source));
                      tell(late, began, then);
                    });
              } else {
                tell(verdict, began, then);
              }
            });
  }

  private void tell(Verdict verdict, long began, Consumer<Verdict> then) {
    if (verdict instanceof Verdict.Accepted known) {
      accepted.accept(known.entry());
    }
    Duration left = REFUSAL_TIME.minusNanos(System.nanoTime() - began);
    if (verdict instanceof Verdict.Refused && !left.isNegative()) {
      network.afterOnWorker(left, () -> then.accept(verdict));
    } else {
      then.accept(verdict);
    }
  }

  private static Verdict check(Supplier<Verdict> query) {
    try {
      return query.get();
    } catch (RuntimeException e) { // a bug must not leave the peer without an answer
      LOG.error("A token could not be checked", e);
      return new Verdict.Unavailable();
    }
  }

  /** Returns the problem that the peer is told, unless the token was accepted. */
  static Optional<Problem> problem(Verdict verdict) {
    if (verdict instanceof Verdict.Throttled throttled) {
      int seconds = (int) throttled.delay().plusMillis(999).toSeconds();
      return Optional.of(Problem.retry(429, "too many failures", seconds));
    } else if (verdict instanceof Verdict.Refused) {
      return Optional.of(Problem.temporary(401, "unknown UUID or wrong token"));
    } else if (verdict instanceof Verdict.Unavailable) {
      return Optional.of(Problem.retry(503, "the entries cannot be reached", 5));
    }
    return Optional.empty();
  }
}
