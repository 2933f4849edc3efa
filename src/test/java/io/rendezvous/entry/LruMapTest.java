package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** A map that is full drops the key that was not used for longest. */
class LruMapTest {
  private final Map<String, Integer> map = LruMap.byUse(3);

  @Test
  void maximumIsKept() {
    map.put("a", 1);
    map.put("b", 2);
    map.put("c", 3);
    assertThat(map).containsOnlyKeys("a", "b", "c");
    map.put("d", 4);
    assertThat(map).containsOnlyKeys("b", "c", "d");
  }

  @Test
  void readingIsUse() {
    map.put("a", 1);
    map.put("b", 2);
    map.put("c", 3);
    assertThat(map.get("a")).isEqualTo(1);
    map.put("b", 5);
    map.put("d", 4);
    assertThat(map).containsOnlyKeys("a", "b", "d");
  }

  @Test
  void askingWhetherAKeyIsThereIsNoUse() {
    map.put("a", 1);
    map.put("b", 2);
    map.put("c", 3);
    assertThat(map.containsKey("a")).isTrue();
    map.put("d", 4);
    assertThat(map).containsOnlyKeys("b", "c", "d");
  }
}
