package io.rendezvous.entry;

import io.rendezvous.net.FailureText;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.slf4j.Logger;

/**
 * Logs that the store cannot be reached, at most once a minute: strangers decide how often it is
 * asked. Any thread may call.
 */
public final class StoreWarning {
  private static final Duration INTERVAL = Duration.ofMinutes(1);

  private final Logger log;
  private final String consequence;
  private final InstantSource clock;
  private Instant next = Instant.MIN; // guarded by this

  /**
   * Creates a warning that was not logged yet.
   *
   * @param consequence what does not work meanwhile, as a sentence without its full stop
   */
  public StoreWarning(Logger log, String consequence, InstantSource clock) {
    this.log = log;
    this.consequence = consequence;
    this.clock = clock;
  }

  /** Logs the warning with its reason, unless it was logged within the last minute. */
  public synchronized void log(IOException reason) {
    Instant now = clock.instant();
    if (!now.isBefore(next)) {
      next = now.plus(INTERVAL);
      log.warn("{}: {}", consequence, FailureText.of(reason));
    }
  }
}
