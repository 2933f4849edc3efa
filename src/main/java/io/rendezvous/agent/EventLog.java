package io.rendezvous.agent;

import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Passes events to a listener, and keeps the last one that was trouble. Any thread may call. */
final class EventLog {
  private static final Logger LOG = LoggerFactory.getLogger(EventLog.class);

  private final InstantSource clock;
  private final Consumer<Event> listener;
  private volatile Runnable onLocalFailure = () -> {};
  private volatile @Nullable Event lastTrouble;

  /**
   * Creates a log without events.
   *
   * @param listener is told of each event, on any thread; an exception of it is logged
   */
  EventLog(InstantSource clock, Consumer<Event> listener) {
    this.clock = clock;
    this.listener = listener;
  }

  /** Sets what is run after each failure of the local server, on any thread. */
  void onLocalFailure(Runnable action) {
    onLocalFailure = action;
  }

  void tell(Event.Kind kind, String text) {
    Event event = new Event(clock.instant(), kind, text);
    if (kind.isTrouble()) {
      lastTrouble = event;
    }
    if (kind == Event.Kind.LOCAL_FAILED) {
      onLocalFailure.run();
    }
    try {
      listener.accept(event);
    } catch (RuntimeException e) { // which must not harm the tunnel
      LOG.warn("A listener failed", e);
    }
  }

  /** Returns the last event that was trouble, however long ago. */
  Optional<Event> lastTrouble() {
    return Optional.ofNullable(lastTrouble);
  }
}
