package io.rendezvous.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.ConnectionCapacity.Decider;
import org.junit.jupiter.api.Test;

class ConnectionCapacityTest {
  private static final long MIB = 1024 * 1024;

  private static void assertCapacity(
      ConnectionCapacity capacity, int connections, Decider decider) {
    assertThat(capacity.connections()).isEqualTo(connections);
    assertThat(capacity.decider()).isEqualTo(decider);
  }

  @Test
  void heapDecidesIfItIsScarcerThanDescriptors() {
    assertCapacity(ConnectionCapacity.of(0, 60_000, 64 * MIB), 1024, Decider.HEAP);
    assertCapacity(ConnectionCapacity.of(0, 60_000, 512 * MIB), 8192, Decider.HEAP);
  }

  @Test
  void descriptorsDecideIfTheyAreScarcerThanHeap() {
    assertCapacity(ConnectionCapacity.of(0, 900, 64 * MIB), 900, Decider.DESCRIPTORS);
  }

  @Test
  void settingOverridesTheHeapButNotTheDescriptors() {
    assertCapacity(ConnectionCapacity.of(5000, 60_000, 64 * MIB), 5000, Decider.SETTING);
    assertCapacity(ConnectionCapacity.of(5000, 900, 64 * MIB), 900, Decider.DESCRIPTORS);
  }

  @Test
  void thereIsRoomForAFewWhateverTheHeap() {
    assertThat(ConnectionCapacity.of(0, 900, 1000).connections()).isEqualTo(16);
  }

  @Test
  void thisProcessHasACapacity() {
    assertThat(ConnectionCapacity.of(0, 10).connections()).isBetween(16, Integer.MAX_VALUE / 2);
    assertCapacity(ConnectionCapacity.of(17, 0), 17, Decider.SETTING);
  }
}
