package io.rendezvous.agent;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.entry.StrictJson;
import io.rendezvous.http.ResponseHead;
import java.net.ProtocolException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/**
 * A broker's response to a CONNECT request (protocol.md, 1.1), or whatever else answers there. For
 * a refusal it tells people what to do.
 *
 * <p>Not part of the library's API: it is public for the checks only.
 */
public final class ConnectResponse {
  private static final ObjectMapper JSON = StrictJson.mapper();
  private static final int OK = 200;
  private static final int UNAUTHORIZED = 401;
  private static final long MAX_BODY = 8 * 1024;
  private static final int MAX_DIAGNOSTIC = 200;
  private static final Duration MAX_RETRY_AFTER = Duration.ofHours(1);

  /** A token is accepted one step before and after its own, so a smaller skew does no harm. */
  private static final Duration HARMLESS_SKEW = Duration.ofSeconds(20);

  private final ResponseHead head;
  private final Instant now;

  /**
   * Reads the head of a response.
   *
   * @param now what this machine's clock says
   * @throws ProtocolException if no broker answers like this
   */
  public ConnectResponse(byte[] head, Instant now) throws ProtocolException {
    this.head = ResponseHead.parse(head);
    if (!this.head.http11()) {
      throw new ProtocolException("no broker answers in HTTP/1.0");
    }
    this.now = now;
  }

  /** Returns the status code. */
  public int status() {
    return head.status();
  }

  /** Returns whether the tunnel is parked. */
  public boolean isAccepted() {
    return status() == OK;
  }

  /** Returns whether a web server has answered: a broker's 200 has no body. */
  boolean isFromWebServer() {
    return isAccepted()
        && (number("Content-Length").orElse(0L) > 0 || head.value("Transfer-Encoding").isPresent());
  }

  /** Returns how many bytes of the body are worth reading. */
  int bodyLength() {
    return (int) Math.min(MAX_BODY, number("Content-Length").orElse(0L));
  }

  /** Returns how long the broker asks not to be asked again, up to an hour. */
  Duration retryAfter() {
    Duration time = Duration.ofSeconds(number("Retry-After").orElse(0L));
    return time.compareTo(MAX_RETRY_AFTER) < 0 ? time : MAX_RETRY_AFTER;
  }

  private Optional<Long> number(String name) {
    return head.value(name).filter(v -> v.matches("\\d{1,9}")).map(Long::parseLong);
  }

  /**
   * Returns in words why the broker refused, and what to check.
   *
   * @param body the response's body, or its beginning
   */
  public String explain(String body) {
    String reason = diagnostic(body).orElse("(no reason given)");
    String words = "the broker refused: " + status() + " " + reason;
    return status() == UNAUTHORIZED ? words + "; " + explainClock() : words;
  }

  /**
   * Returns the reason that a body gives in the form of a broker's errors, shortened and made
   * printable, or empty if the body has another form.
   */
  public static Optional<String> diagnostic(String body) {
    try {
      JsonNode text = JSON.readTree(body).path("error").path("diagnostic");
      String printable = Event.printable(text.asText());
      return text.isTextual()
          ? Optional.of(printable.substring(0, Math.min(MAX_DIAGNOSTIC, printable.length())))
          : Optional.empty();
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  /** Returns how much this machine's clock is behind the broker's, if the response says. */
  public Optional<Duration> clockBehind() {
    return head.value("Date")
        .flatMap(ConnectResponse::parseDate)
        .map(brokers -> Duration.between(now, brokers));
  }

  /** Returns in words how this machine's clock compares to the broker's, and what to check. */
  public String explainClock() {
    Optional<Duration> clockBehind = clockBehind();
    if (clockBehind.isEmpty()) {
      return "check the UUID, the secret and this machine's clock";
    }
    Duration behind = clockBehind.get();
    if (behind.abs().compareTo(HARMLESS_SKEW) < 0) {
      return "the clocks agree, so check the UUID and the secret";
    }
    return String.format(
        "this machine's clock is %d s %s the broker's, so correct it",
        behind.abs().toSeconds(), behind.isNegative() ? "ahead of" : "behind");
  }

  private static Optional<Instant> parseDate(String text) {
    try {
      return Optional.of(
          ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }
}
