package io.rendezvous.http.undertow;

import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.Conn;
import io.undertow.server.Connectors;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.HttpString;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A client's request while it is in Undertow's hands: it is either answered, or its connection is
 * taken away. Lives on the connection's I/O thread.
 */
public final class HttpRequest {
  private final HttpServerExchange exchange;
  private final Tap tap;

  HttpRequest(HttpServerExchange exchange, Tap tap) {
    this.exchange = exchange;
    this.tap = tap;
  }

  /** Returns the head as it came. */
  public RequestHead head() {
    return tap.head();
  }

  /**
   * Returns whether the connection can be kept after an answer that does not look at the body: the
   * client means to, and what there is of a body can be dropped.
   */
  public boolean canBeKept() {
    return head().persists() && !head().expectsContinue() && head().bodyLength() <= Tap.MOST_BODY;
  }

  /**
   * Asks a question that may block, and goes on with its answer on the connection's I/O thread. The
   * request is neither answered nor taken over meanwhile.
   */
  public <T> void ask(Executor worker, Supplier<T> question, Consumer<T> then) {
    exchange.dispatch(
        worker,
        () -> {
          T answer = question.get();
          tap.conn()
              .execute(
                  () -> {
                    if (tap.isAsked()) { // it may have taken too long, or been closed
                      then.accept(answer);
                    }
                  });
        });
  }

  /** Answers at once, drops the body, and waits for the next request on the connection. */
  public void answerAndKeep(ProblemResponse answer, Map<String, String> more) {
    exchange.addExchangeCompleteListener(
        (done, nextListener) -> {
          tap.next();
          nextListener.proceed();
        });
    exchange.setStatusCode(answer.problem().status());
    answer.headers().forEach(this::put);
    more.forEach(this::put);
    exchange.getResponseSender().send(answer.body());
  }

  private void put(String name, String value) {
    exchange.getResponseHeaders().put(new HttpString(name), value);
  }

  /**
   * Takes the connection away from Undertow, which writes nothing more to it. The octets that were
   * read behind the head are its early octets.
   */
  public Conn takeOver() {
    // Undertow offers this for upgrades only, so the exchange has to end as one: persistent, or
    // the connection would be closed, and terminated both ways, so that nothing is written.
    exchange.setPersistent(true);
    exchange.upgradeChannel("relay", (connection, ended) -> {});
    Connectors.terminateRequest(exchange);
    Connectors.terminateResponse(exchange);
    tap.leave();
    return tap.conn();
  }
}
