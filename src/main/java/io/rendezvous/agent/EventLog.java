package io.rendezvous.agent;

import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells what happens, and remembers what last went wrong. Any thread may call. */
final class EventLog {
  private static final Logger LOG = LoggerFactory.getLogger(EventLog.class);

  private final InstantSource clock;
  private final Consumer<Event> listener;
  private volatile @Nullable Event lastTrouble;

  /**
   * Creates one.
   *
   * @param listener is told, on any thread
   */
  EventLog(InstantSource clock, Consumer<Event> listener) {
    this.clock = clock;
    this.listener = listener;
  }

  void tell(Event.Kind kind, String text) {
    Event event = new Event(clock.instant(), kind, text);
    if (kind.isTrouble()) {
      lastTrouble = event;
    }
    try {
      listener.accept(event);
    } catch (RuntimeException e) { // the tunnel in question is no worse for it
      LOG.warn("A listener failed", e);
    }
  }

  /** Returns what last went wrong, however long ago. */
  Optional<Event> lastTrouble() {
    return Optional.ofNullable(lastTrouble);
  }
}
