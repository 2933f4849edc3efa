package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Labels have a name, and perhaps a port. */
class LabelTest {
  @Test
  void labelIsSplitAtItsColon() {
    assertThat(Label.parse("door")).isEqualTo(new Label("door", OptionalInt.empty()));
    assertThat(Label.parse("front.door:2222"))
        .isEqualTo(new Label("front.door", OptionalInt.of(2222)));
    assertThat(Label.parse("door:65535").port()).hasValue(65_535);
  }

  @ParameterizedTest
  @ValueSource(strings = {"door:", "door:0", "door:65536", "door:99999", "door:b", "door:1:2"})
  void numberThatIsNoPortIsNone(String label) {
    assertThat(Label.parse(label)).isEqualTo(new Label("door", OptionalInt.empty()));
  }

  @Test
  void labelIsFoundWithAndWithoutItsPort() {
    List<String> labels = List.of("gate:2", "gate:1", "door", "door:3");
    assertThat(Label.find(labels, "door")).contains("door");
    assertThat(Label.find(labels, "door:3")).contains("door:3");
    assertThat(Label.find(labels, "gate")).contains("gate:1");
    assertThat(Label.find(labels, "gate:3")).isEmpty();
    assertThat(Label.find(labels, "do")).isEmpty();
  }
}
