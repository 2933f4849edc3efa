package io.rendezvous.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.ConnectionCapacity.Decider;
import org.junit.jupiter.api.Test;

class ConnectionCapacityTest {
  private static final long MIB = 1024 * 1024;

  @Test
  void heapDecidesIfItIsScarcerThanDescriptors() {
    assertThat(ConnectionCapacity.of(0, 60_000, 64 * MIB))
        .isEqualTo(new ConnectionCapacity(1024, Decider.HEAP));
    assertThat(ConnectionCapacity.of(0, 60_000, 512 * MIB))
        .isEqualTo(new ConnectionCapacity(8192, Decider.HEAP));
  }

  @Test
  void descriptorsDecideIfTheyAreScarcerThanHeap() {
    assertThat(ConnectionCapacity.of(0, 900, 64 * MIB))
        .isEqualTo(new ConnectionCapacity(900, Decider.DESCRIPTORS));
  }

  @Test
  void settingOverridesTheHeapButNotTheDescriptors() {
    assertThat(ConnectionCapacity.of(5000, 60_000, 64 * MIB))
        .isEqualTo(new ConnectionCapacity(5000, Decider.SETTING));
    assertThat(ConnectionCapacity.of(5000, 900, 64 * MIB))
        .isEqualTo(new ConnectionCapacity(900, Decider.DESCRIPTORS));
  }

  @Test
  void thereIsRoomForAFewWhateverTheHeap() {
    assertThat(ConnectionCapacity.of(0, 900, 1000).connections()).isEqualTo(16);
  }

  @Test
  void thisProcessHasACapacity() {
    assertThat(ConnectionCapacity.of(0, 10).connections()).isBetween(16, Integer.MAX_VALUE / 2);
    assertThat(ConnectionCapacity.of(17, 0)).isEqualTo(new ConnectionCapacity(17, Decider.SETTING));
  }
}
