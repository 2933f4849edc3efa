package io.rendezvous.protocol.connect;

import io.rendezvous.http.Challenge;
import io.rendezvous.http.ClientConnection;
import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.net.ConnectionLimiter;
import io.rendezvous.protocol.Refusals;
import java.util.List;

/**
 * Answers requests with challenges. The connection stays open for the client's next request if that
 * is possible. Lives on the I/O threads of its connections.
 */
final class Challenger {
  private static final Problem NAME =
      Problem.temporary(401, "enter the UUID of the hidden server as user name, with any password");
  private static final Problem PASSWORD =
      Problem.temporary(
          401,
          "enter the UUID of the hidden server, in lower case, as user name, and its password");

  private final Challenge challenge;
  private final Refusals refusals;

  Challenger(Challenge challenge, Refusals refusals) {
    this.challenge = challenge;
    this.refusals = refusals;
  }

  /** Asks the client for the name of its hidden server. */
  void askName(ClientConnection client) {
    answer(client, NAME, List.of(challenge.header()));
  }

  /**
   * Asks the client for the name of its hidden server and for the password.
   *
   * @param stale whether the client can compute a new response without asking its user
   */
  void askPassword(ClientConnection client, boolean stale) {
    answer(client, PASSWORD, challenge.passwordHeaders(stale));
  }

  private void answer(ClientConnection client, Problem problem, List<String> challenges) {
    ProblemResponse response = ProblemResponse.to(client.head(), problem).challenging(challenges);
    if (client.canBeKept()) {
      client.answerAndKeep(response);
      return;
    }
    if (client.isPatienceOver()) {
      client.conn().met(ConnectionLimiter.Limit.CHALLENGES);
    }
    refusals.answer(client.takeOver(), response);
  }
}
