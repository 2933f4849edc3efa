package io.rendezvous.protocol.taas;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.rendezvous.entry.LruMap;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.UUID;

/**
 * The latest rendezvous of each label, for its owner. Bounded: of too many labels those not used
 * for longest are forgotten. Any thread may call.
 */
final class PairingLog {
  private static final int MAX = 100;
  private static final int MAX_LABELS = 1_000;
  private static final int MAX_PATH = 256;
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  /**
   * Who came for a hidden server.
   *
   * @param from where the client is
   * @param method of its request, empty where it made none
   * @param pathname the path that it asked for, without a query
   */
  record Initiator(InetSocketAddress from, String method, String pathname) {
    String inWords() {
      return method.isEmpty() ? "tcp " + words(from) : "https " + words(from) + " " + method;
    }
  }

  /** One rendezvous, as it is told. The names are the protocol's. */
  record Pairing(String responder, String initiator, String pathname, long timestamp) {}

  private record Key(UUID id, String label) {}

  private final Map<Key, Deque<Pairing>> latest = LruMap.byUse(MAX_LABELS); // guarded by this

  /**
   * Adds one.
   *
   * @param responder where the hidden server asked from
   * @param time in milliseconds
   */
  synchronized void add(
      UUID id, String label, InetSocketAddress responder, Initiator initiator, long time) {
    String path = initiator.pathname();
    Deque<Pairing> ofLabel = latest.computeIfAbsent(new Key(id, label), key -> new ArrayDeque<>());
    ofLabel.addLast(
        new Pairing(
            "https " + words(responder) + " PUT",
            initiator.inWords(),
            path.substring(0, Math.min(MAX_PATH, path.length())),
            time));
    if (ofLabel.size() > MAX) {
      ofLabel.removeFirst();
    }
  }

  private static String words(InetSocketAddress address) {
    return address.getAddress().getHostAddress() + " " + address.getPort();
  }

  /** Returns those of a label as JSON in ASCII, the latest last. */
  synchronized String json(UUID id, String label) {
    try {
      return JSON.writeValueAsString(latest.getOrDefault(new Key(id, label), new ArrayDeque<>()));
    } catch (JsonProcessingException e) {
      throw new AssertionError(e); // texts and a number can be written
    }
  }

  /** Forgets those of an ID. */
  synchronized void forget(UUID id) {
    latest.keySet().removeIf(key -> key.id().equals(id));
  }
}
