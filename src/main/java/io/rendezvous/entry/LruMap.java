package io.rendezvous.entry;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Creates maps of bounded size, so that strangers cannot fill the memory with keys. Not
 * thread-safe.
 */
public final class LruMap {
  private LruMap() {}

  /** Returns a map that drops the least recently used key when it has more than the maximum. */
  public static <K, V> Map<K, V> byUse(int maxSize) {
    return new LinkedHashMap<>(16, 0.75f, true) {
      private static final long serialVersionUID = 1L;

      @Override
      protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
        return size() > maxSize;
      }
    };
  }
}
