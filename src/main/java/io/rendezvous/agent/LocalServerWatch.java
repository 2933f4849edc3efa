package io.rendezvous.agent;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.FailureText;
import io.rendezvous.net.Network;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Tells when nothing listens at the address of the local server, and when something does again. It
 * opens a connection at the start and after each failure, and then regularly until one succeeds; a
 * local server that works is left alone.
 *
 * <p>Any thread may call.
 */
final class LocalServerWatch {
  private static final Duration LOOK_EVERY = Duration.ofSeconds(3);

  private enum State {
    UNKNOWN,
    LOOKING,
    UP,
    DOWN,
    CLOSED
  }

  private final Dialer dialer;
  private final Network network;
  private final EventLog events;
  private final AtomicReference<State> state = new AtomicReference<>(State.UNKNOWN);

  /**
   * Creates a watch, which does nothing before {@link #look}.
   *
   * @param dialer opens connections to the local server
   */
  LocalServerWatch(Dialer dialer, Network network, EventLog events) {
    this.dialer = dialer;
    this.network = network;
    this.events = events;
  }

  /** Looks whether the local server can be reached, unless that is being found out already. */
  void look() {
    if (state.compareAndSet(State.UNKNOWN, State.LOOKING)
        || state.compareAndSet(State.UP, State.LOOKING)) {
      dial();
    }
  }

  /** Looks no more. */
  void close() {
    state.set(State.CLOSED);
  }

  private void dial() {
    dialer.dial(
        new Dialer.Result() {
          @Override
          public void opened(Conn conn) {
            conn.close();
            onOpened();
          }

          @Override
          public void failed(IOException reason) {
            onFailed(reason);
          }
        });
  }

  private void onOpened() {
    if (state.compareAndSet(State.DOWN, State.UP)) {
      events.tell(Event.Kind.LOCAL_REACHABLE, "the local server can be reached now");
    } else {
      state.compareAndSet(State.LOOKING, State.UP);
    }
  }

  private void onFailed(IOException reason) {
    if (state.compareAndSet(State.LOOKING, State.DOWN)) {
      events.tell(
          Event.Kind.LOCAL_FAILED,
          "the local server cannot be reached, so clients receive a 502: "
              + FailureText.of(reason));
    }
    if (state.get() == State.DOWN) {
      network.after(LOOK_EVERY, this::dialAgain);
    }
  }

  private void dialAgain() {
    if (state.get() == State.DOWN) {
      dial();
    }
  }
}
