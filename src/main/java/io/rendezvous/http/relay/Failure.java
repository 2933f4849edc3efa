package io.rendezvous.http.relay;

/**
 * Why a request has no answer of the server.
 *
 * @param kind what happened
 * @param detail the cause, for people; it may be empty, and may contain what the server has sent
 */
public record Failure(Kind kind, String detail) {
  /** What happened. */
  public enum Kind {
    /** The server could not be connected to. */
    UNREACHABLE,
    /** The connection broke before an answer came. */
    BROKEN,
    /** The server ended the connection before an answer came. */
    ENDED,
    /** What the server sent is no answer. */
    MALFORMED,
    /** The head of the answer is too long. */
    TOO_LONG,
    /** The answer did not begin in time. */
    LATE,
    /** The body of the request is malformed. */
    BAD_REQUEST
  }
}
