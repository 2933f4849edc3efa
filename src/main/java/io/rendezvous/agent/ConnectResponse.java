package io.rendezvous.agent;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.http.ResponseHead;
import java.io.ByteArrayOutputStream;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/** A broker's answer to a CONNECT, and in words what to make of it where it is a refusal. */
public final class ConnectResponse {
  private static final int MAX_BODY = 8 * 1024;
  private static final int LONGEST_DIAGNOSTIC = 200;
  private static final Duration LONGEST_WAIT = Duration.ofHours(1);

  /** A token is good for a step before and after its own. */
  private static final Duration HARMLESS_SKEW = Duration.ofSeconds(20);

  private final ResponseHead head;
  private final Instant now;
  private final ByteArrayOutputStream body = new ByteArrayOutputStream();

  public ConnectResponse(byte[] head, Instant now) throws ProtocolException {
    this.head = ResponseHead.parse(head);
    if (!this.head.http11()) {
      throw new ProtocolException("no broker answers in HTTP/1.0");
    }
    this.now = now;
  }

  public int status() {
    return head.status();
  }

  public boolean isOne() {
    return head.status() != 200;
  }

  /** Returns whether a web server has answered, rather than a broker: with a body. */
  boolean isOfNoBroker() {
    return !isOne() && (number("Content-Length").orElse(0L) > 0 || hasCoding());
  }

  private boolean hasCoding() {
    return head.value("Transfer-Encoding").isPresent();
  }

  public void add(ByteBuffer octets) {
    while (octets.hasRemaining() && body.size() < MAX_BODY) {
      body.write(octets.get());
    }
  }

  boolean isComplete() {
    return body.size() >= Math.min(MAX_BODY, number("Content-Length").orElse(0L));
  }

  Duration retryAfter() {
    Duration told = Duration.ofSeconds(number("Retry-After").orElse(0L));
    return told.compareTo(LONGEST_WAIT) < 0 ? told : LONGEST_WAIT;
  }

  private Optional<Long> number(String name) {
    return head.value(name).filter(v -> v.matches("\\d{1,9}")).map(Long::parseLong);
  }

  public String inWords() {
    String reason = diagnostic(body.toString(StandardCharsets.UTF_8)).orElse("(no reason given)");
    String words = "the broker refused: " + head.status() + " " + reason;
    return head.status() == 401 ? words + "; " + clocksInWords() : words;
  }

  /** Returns the reason that a body gives, if it has the form of a broker's, fit to be printed. */
  public static Optional<String> diagnostic(String body) {
    try {
      JsonNode text = new ObjectMapper().readTree(body).path("error").path("diagnostic");
      String printable = Event.printable(text.asText());
      return text.isTextual()
          ? Optional.of(printable.substring(0, Math.min(LONGEST_DIAGNOSTIC, printable.length())))
          : Optional.empty();
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  /** Returns how much this machine's clock is behind the broker's, if that told the time. */
  public Optional<Duration> clockBehind() {
    return head.value("Date")
        .flatMap(ConnectResponse::date)
        .map(theirs -> Duration.between(now, theirs));
  }

  public String clocksInWords() {
    Optional<Duration> told = clockBehind();
    if (told.isEmpty()) {
      return "look at the UUID, the secret and this machine's clock";
    }
    Duration behind = told.get();
    if (behind.abs().compareTo(HARMLESS_SKEW) < 0) {
      return "the clocks agree, so look at the UUID and the secret";
    }
    return String.format(
        "this machine's clock is %d s %s the broker's, so set it right",
        behind.abs().toSeconds(), behind.isNegative() ? "ahead of" : "behind");
  }

  private static Optional<Instant> date(String text) {
    try {
      return Optional.of(
          ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }
}
