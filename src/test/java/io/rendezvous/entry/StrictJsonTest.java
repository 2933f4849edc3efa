package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests what is refused in JSON from outside, and in which words. */
class StrictJsonTest {
  private static final String LIMITS =
      "is nested too deeply, or has a name, a number or a string that is too long";

  private static String reason(String text) {
    try {
      StrictJson.mapper().readTree(text);
      return "";
    } catch (JsonProcessingException e) {
      return StrictJson.explain(e);
    }
  }

  @Test
  void keyThatOccursTwiceIsRefusedAtEveryDepth() {
    assertThat(reason("{\"a\":1,\"b\":1}")).isEmpty();
    assertThat(reason("{\"a\":1,\n\"a\":1}")).isEqualTo("has the same key twice (line 2)");
    assertThat(reason("[{\"x\":{\"a\":1,\"a\":2}}]")).isEqualTo("has the same key twice (line 1)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "{}{}", "{} x", "{a:1}", "{'a':1}", "{\"a\":01}", "{\"a\":NaN}"})
  void otherSyntaxIsRefused(String text) {
    String expected = text.isEmpty() ? "" : "is not valid JSON (line 1)";
    assertThat(reason(text)).isEqualTo(expected);
  }

  @Test
  void limitsAreNamedAndHaveNoLine() {
    assertThat(reason("[".repeat(64) + "]".repeat(64))).isEmpty();
    assertThat(reason("[".repeat(65) + "]".repeat(65))).isEqualTo(LIMITS);
    assertThat(reason("[" + "1".repeat(64) + "]")).isEmpty();
    assertThat(reason("[" + "1".repeat(65) + "]")).isEqualTo(LIMITS);
    assertThat(reason("{\"" + "x".repeat(1001) + "\":1}")).isEqualTo(LIMITS);
  }

  @Test
  void entriesAndProvisioningFilesSayWhatIsWrong() {
    String twice = "{\"uuid\":\"secret\",\n\"uuid\":\"secret\"}";
    String deep = "[".repeat(5000);
    assertThatThrownBy(() -> Entry.parse(twice))
        .isInstanceOf(IOException.class)
        .hasMessage("it has the same key twice (line 2)");
    assertThatThrownBy(() -> Entry.parse(deep))
        .isInstanceOf(IOException.class)
        .hasMessage("it " + LIMITS);
    assertThatThrownBy(() -> Provisioning.parse("exports.params = " + twice + ";"))
        .isInstanceOf(IOException.class)
        .hasMessage("not a provisioning file: it has the same key twice (line 2)");
    assertThatThrownBy(() -> Provisioning.parse(deep))
        .isInstanceOf(IOException.class)
        .hasMessage("not a provisioning file: it " + LIMITS);
  }
}
