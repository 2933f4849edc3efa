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
 * The latest rendezvous of each label, for the hidden server that owns the label. If there are too
 * many labels, the least recently used are forgotten. Any thread may call.
 */
final class PairingLog {
  private static final int MAX_PER_LABEL = 100;
  private static final int MAX_LABELS = 1_000;
  private static final int MAX_PATH = 256; // characters
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  /**
   * A client, and what it asked for.
   *
   * @param from the client's address
   * @param method the method of its request, or empty if it came to a fixed port
   * @param pathname the path of its request, without the query, or empty
   */
  record Initiator(InetSocketAddress from, String method, String pathname) {
    String inWords() {
      return method.isEmpty() ? "tcp " + words(from) : "https " + words(from) + " " + method;
    }
  }

  /** One rendezvous in the protocol's own words. */
  record Pairing(String responder, String initiator, String pathname, long timestamp) {}

  private record Key(UUID id, String label) {}

  private final Map<Key, Deque<Pairing>> latest = LruMap.byUse(MAX_LABELS); // guarded by this

  /**
   * Adds a rendezvous.
   *
   * @param responder the address from which the hidden server authenticated
   * @param time in milliseconds since the epoch
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
    if (ofLabel.size() > MAX_PER_LABEL) {
      ofLabel.removeFirst();
    }
  }

  private static String words(InetSocketAddress address) {
    return address.getAddress().getHostAddress() + " " + address.getPort();
  }

  /** Returns the rendezvous of a label as a JSON array in ASCII, the latest last. */
  synchronized String json(UUID id, String label) {
    try {
      return JSON.writeValueAsString(latest.getOrDefault(new Key(id, label), new ArrayDeque<>()));
    } catch (JsonProcessingException e) {
      throw new AssertionError(e); // texts and a number can be written
    }
  }

  /** Forgets the rendezvous of an ID. */
  synchronized void forget(UUID id) {
    latest.keySet().removeIf(key -> key.id().equals(id));
  }
}
