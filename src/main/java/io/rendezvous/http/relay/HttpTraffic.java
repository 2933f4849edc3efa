package io.rendezvous.http.relay;

import java.util.concurrent.atomic.LongAdder;

/**
 * Counts what goes through HTTP relays before they switch to other protocols. Any thread may call.
 */
public final class HttpTraffic {
  private final LongAdder requests = new LongAdder();
  private final LongAdder bytesUp = new LongAdder();
  private final LongAdder bytesDown = new LongAdder();

  void addRequest() {
    requests.increment();
  }

  void addUp(int bytes) {
    bytesUp.add(bytes);
  }

  void addDown(int bytes) {
    bytesDown.add(bytes);
  }

  /** Returns how many requests have come from clients. */
  public long requests() {
    return requests.sum();
  }

  /** Returns how many bytes have come from clients. */
  public long bytesUp() {
    return bytesUp.sum();
  }

  /** Returns how many bytes have come from servers. */
  public long bytesDown() {
    return bytesDown.sum();
  }
}
