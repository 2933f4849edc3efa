package io.rendezvous.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.ConnectionLimiter.Limit;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LimitLogTest {
  private static final Source NEIGHBOUR = new Source("192.0.2.1");
  private static final Source OTHER = new Source("192.0.2.2");

  private long now;
  private final LimitLog log = new LimitLog(() -> now);

  private void after(int seconds) {
    now += TimeUnit.SECONDS.toNanos(seconds);
  }

  @Test
  void firstConnectionIsLoggedAtOnceAndTheRestAMinuteLater() {
    assertThat(log.count(Limit.PER_SOURCE, NEIGHBOUR))
        .isEqualTo(new LimitLog.Line(Limit.PER_SOURCE, 1, NEIGHBOUR, 1));
    assertThat(log.count(Limit.PER_SOURCE, OTHER)).isNull();
    after(59);
    assertThat(log.count(Limit.PER_SOURCE, NEIGHBOUR)).isNull();
    after(1);
    assertThat(log.count(Limit.PER_SOURCE, NEIGHBOUR))
        .isEqualTo(new LimitLog.Line(Limit.PER_SOURCE, 3, NEIGHBOUR, 2));
    assertThat(log.count(Limit.PER_SOURCE, OTHER)).isNull();
  }

  @Test
  void eachLimitHasItsOwnLine() {
    assertThat(log.count(Limit.PER_SOURCE, NEIGHBOUR)).isNotNull();
    assertThat(log.count(Limit.CONNECTIONS, NEIGHBOUR)).isNotNull();
    assertThat(log.count(Limit.HEAP, NEIGHBOUR)).isNotNull();
  }

  @Test
  void sourcesBeyondTheBoundAreCountedTogether() {
    assertThat(log.count(Limit.CONNECTIONS, NEIGHBOUR)).isNotNull();
    for (int i = 0; i < 1000; i++) {
      assertThat(log.count(Limit.CONNECTIONS, new Source("198.51.100." + i))).isNull();
    }
    after(60);
    assertThat(log.count(Limit.CONNECTIONS, OTHER))
        .extracting(LimitLog.Line::count, LimitLog.Line::ofSource)
        .containsExactly(1001, 1);
  }
}
