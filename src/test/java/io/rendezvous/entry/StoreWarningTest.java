package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.TestBroker.SteppedClock;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import org.junit.jupiter.api.Test;
import org.slf4j.event.EventRecordingLogger;
import org.slf4j.event.SubstituteLoggingEvent;
import org.slf4j.helpers.SubstituteLogger;

class StoreWarningTest {
  private final Queue<SubstituteLoggingEvent> logged = new ArrayDeque<>();
  private final SteppedClock clock = new SteppedClock();
  private final StoreWarning warning =
      new StoreWarning(
          new EventRecordingLogger(new SubstituteLogger("a", logged, false), logged),
          "Tokens cannot be checked",
          clock);

  @Test
  void isLoggedOnceAMinute() {
    for (int i = 0; i < 60; i++) {
      warning.log(new IOException("away"));
      clock.step(Duration.ofSeconds(1));
    }
    assertThat(logged).hasSize(1);
    warning.log(new IOException("away"));
    assertThat(logged).hasSize(2);
    assertThat(logged.element().getArgumentArray())
        .containsExactly("Tokens cannot be checked", "away");
  }
}
