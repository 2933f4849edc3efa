package io.rendezvous.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.http.SeenRequest;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Tests what is kept of requests. */
class RequestLogTest {
  private static final UUID ID = UUID.randomUUID();
  private static final UUID OTHER = UUID.randomUUID();
  private static final InetSocketAddress CLIENT = new InetSocketAddress("127.0.0.1", 7);

  private final RequestLog log = new RequestLog(true);

  private static SeenRequest request(long number, int status) {
    return new SeenRequest(
        number,
        false,
        Instant.EPOCH,
        "GET",
        "/" + number,
        OptionalInt.of(status),
        Optional.empty(),
        Duration.ZERO,
        1,
        2,
        Optional.empty());
  }

  private long[] numbers(UUID id) {
    return log.latest(id, request -> true).stream().mapToLong(r -> r.request().number()).toArray();
  }

  @Test
  void latestOfOneHiddenServerAreShownNewestFirst() {
    for (int number = 1; number <= 500; number++) {
      log.requested(number % 2 == 0 ? ID : OTHER, CLIENT, request(number, 200));
    }
    assertThat(numbers(ID)).hasSize(200).startsWith(500, 498, 496).endsWith(102);
  }

  @Test
  void laterWordOfARequestReplacesTheEarlier() {
    log.requested(ID, CLIENT, request(1, 200));
    log.requested(ID, CLIENT, request(1, 201));
    assertThat(log.latest(ID, request -> true))
        .singleElement()
        .satisfies(kept -> assertThat(kept.request().status()).hasValue(201));
  }

  @Test
  void olderRequestsMakeRoom() {
    int max = RequestLog.MAX_REQUESTS;
    log.requested(ID, CLIENT, request(1, 200));
    log.requested(ID, CLIENT, request(2, 200));
    log.requested(OTHER, CLIENT, request(max + 1, 200));
    assertThat(numbers(ID)).containsExactly(2);
    log.requested(ID, CLIENT, request(1, 200)); // it has gone on for long
    assertThat(numbers(ID)).containsExactly(2);
    assertThat(numbers(OTHER)).containsExactly(max + 1);
  }

  @Test
  void testSelectsBeforeTheNumberIsLimited() {
    log.requested(ID, CLIENT, request(1, 500));
    for (int number = 2; number <= 500; number++) {
      log.requested(ID, CLIENT, request(number, 200));
    }
    assertThat(log.latest(ID, request -> request.status().orElse(0) == 500)).hasSize(1);
  }

  @Test
  void nothingIsKeptOfIdsThatAreGone() {
    log.requested(ID, CLIENT, request(1, 200));
    log.requested(OTHER, CLIENT, request(2, 200));
    log.retain(Set.of(OTHER));
    assertThat(numbers(ID)).isEmpty();
    assertThat(numbers(OTHER)).containsExactly(2);
  }

  @Test
  void idsThatHadRequestsAreTakenOnce() {
    log.requested(ID, CLIENT, request(1, 200));
    log.requested(ID, CLIENT, request(2, 200));
    assertThat(log.takeChanged()).containsExactly(ID);
    assertThat(log.takeChanged()).isEmpty();
  }

  @Test
  void nothingIsKeptIfItIsSwitchedOff() {
    RequestLog off = new RequestLog(false);
    off.requested(ID, CLIENT, request(1, 200));
    assertThat(off.latest(ID, request -> true)).isEmpty();
    assertThat(off.takeChanged()).isEmpty();
  }
}
