package io.rendezvous.entry;

import java.util.LinkedHashMap;
import java.util.Map;

/** Makes maps that forget, so that no stranger can fill the memory. */
public final class LruMap {
  private LruMap() {}

  /** Returns a map that keeps so many keys, those used last. */
  public static <K, V> Map<K, V> byUse(int most) {
    return new LinkedHashMap<>(16, 0.75f, true) {
      private static final long serialVersionUID = 1L;

      @Override
      protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
        return size() > most;
      }
    };
  }
}
