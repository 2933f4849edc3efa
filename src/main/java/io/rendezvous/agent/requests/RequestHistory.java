package io.rendezvous.agent.requests;

import io.rendezvous.http.SeenRequest;
import io.rendezvous.http.relay.Replay;
import io.rendezvous.http.relay.RequestObservers;
import io.rendezvous.net.Dialer;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The last 200 requests that were passed on to local HTTP servers, by all hidden servers of an
 * agent. Of each it keeps the heads, up to 16 KiB each, and the body, up to 64 KiB and 4 MiB in
 * all, so that it can be sent again. What it shows contains no query and no credential.
 *
 * <p>Any thread may call.
 */
public final class RequestHistory {
  /** The maximum length of a head that is kept, in octets. */
  static final int MAX_HEAD = 16 * 1024;

  /** The maximum length of a body that is kept, in octets. */
  static final int MAX_BODY = 64 * 1024;

  private static final int MAX_REQUESTS = 200;
  private static final int MAX_BODIES = 4 * 1024 * 1024;
  private static final int MAX_REPLAYS = 8; // at a time

  /**
   * A request in the list.
   *
   * @param entry the name of its hidden server
   * @param replayOf the number of the request that was sent again, if it is one
   * @param replayable whether it can be sent again
   */
  public record Shown(
      SeenRequest request, String entry, OptionalLong replayOf, boolean replayable) {}

  /**
   * The heads of a request and its answer, a line each, without credentials.
   *
   * @param request what was sent to the local server
   * @param answer what came from it; empty if nothing came
   */
  public record Heads(List<String> request, List<String> answer) {}

  /** What becomes of the wish to send a request again. */
  public enum Outcome {
    /** It is sent. */
    SENT,
    /** It is not in the history. */
    UNKNOWN,
    /** It was not kept whole, or is an upgrade. */
    NOT_KEPT,
    /** Too many are under way. */
    TOO_MANY
  }

  private final TreeMap<Long, KeptRequest> requests = new TreeMap<>(); // guarded by this
  private int bodies; // octets; guarded by this
  private final AtomicInteger replays = new AtomicInteger();

  /**
   * Returns what observes the requests of a hidden server.
   *
   * @param entry the name of the hidden server
   * @param dialer opens connections to its local server
   */
  public RequestObservers observers(String entry, Dialer dialer) {
    LocalServer server = new LocalServer(entry, dialer);
    return (request, sent) ->
        Optional.of(new KeptRequest(this, server, sent, OptionalLong.empty()));
  }

  /** Returns the requests, the newest first. */
  public synchronized List<Shown> latest() {
    List<Shown> latest = new ArrayList<>(requests.size());
    requests.values().forEach(request -> latest.add(request.shown()));
    Collections.reverse(latest);
    return latest;
  }

  /** Returns the heads of a request, if it is in the history. */
  public synchronized Optional<Heads> heads(long number) {
    return Optional.ofNullable(requests.get(number)).map(KeptRequest::heads);
  }

  /**
   * Sends a request again to its local server, with the same head and body. Its answer becomes a
   * further request of the history.
   */
  public Outcome replay(long number) {
    Optional<KeptRequest.Message> message;
    synchronized (this) {
      KeptRequest request = requests.get(number);
      if (request == null) {
        return Outcome.UNKNOWN;
      }
      message = request.message();
    }
    if (message.isEmpty()) {
      return Outcome.NOT_KEPT;
    }
    if (replays.incrementAndGet() > MAX_REPLAYS) {
      replays.decrementAndGet();
      return Outcome.TOO_MANY;
    }
    send(message.get(), number);
    return Outcome.SENT;
  }

  private void send(KeptRequest.Message message, long number) {
    KeptRequest again =
        new KeptRequest(this, message.server(), message.head().octets(), OptionalLong.of(number));
    new Replay(
            message.head(), message.body(), again, InstantSource.system(), replays::decrementAndGet)
        .start(message.server().dialer());
  }

  // What the requests call, while they hold the lock.

  /** Puts a request in its place, and removes the oldest one if there are too many. */
  synchronized void put(long number, KeptRequest request) {
    requests.put(number, request);
    if (requests.size() > MAX_REQUESTS) {
      requests.pollFirstEntry().getValue().dropBody();
    }
  }

  /** Makes room for octets of a body by dropping the oldest ones. Returns whether there is room. */
  synchronized boolean makeRoomFor(int octets) {
    if (bodies + octets > MAX_BODIES) {
      for (KeptRequest request : requests.values()) {
        if (bodies + octets > MAX_BODIES && request.hasBody()) {
          request.dropBody();
        }
      }
    }
    if (bodies + octets > MAX_BODIES) {
      return false;
    }
    bodies += octets;
    return true;
  }

  synchronized void giveRoomBack(int octets) {
    bodies -= octets;
  }
}
