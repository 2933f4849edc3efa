package io.rendezvous.http;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A request that was relayed, as far as it is shown to people: without its query, its header lines
 * and its body. Immutable.
 *
 * @param number increases from request to request of this process
 * @param first whether it is the first request of a connection whose bytes are relayed as they are.
 *     The bytes and the end are then those of the whole connection
 * @param began the time of day when it was sent on
 * @param method the method, at most 32 characters
 * @param path the path, printable ASCII without blanks, at most 256 characters
 * @param status the status of the answer, if it is known
 * @param answeredAfter the time until the first byte of the answer, if there was one
 * @param lasted the time until the end, or until now if it has not ended
 * @param bytesIn how many bytes came from the client
 * @param bytesOut how many bytes went to the client
 * @param ended how it ended; empty while it goes on
 */
public record SeenRequest(
    long number,
    boolean first,
    Instant began,
    String method,
    String path,
    OptionalInt status,
    Optional<Duration> answeredAfter,
    Duration lasted,
    long bytesIn,
    long bytesOut,
    Optional<End> ended) {
  /** How a request has ended. */
  public enum End {
    /** The request and its answer were delivered. */
    WHOLE,
    /** Both ends have switched to another protocol. */
    UPGRADED,
    /** The client's connection broke. */
    CLIENT_BROKE,
    /** The server's connection broke after the answer had begun. */
    SERVER_BROKE,
    /** Nothing moved for too long. */
    STOOD_STILL,
    /** The program stopped, or the entry was deleted or revoked. */
    CUT_OFF,
    /** The server gave no answer, so the client was sent an error. */
    UNANSWERED
  }
}
