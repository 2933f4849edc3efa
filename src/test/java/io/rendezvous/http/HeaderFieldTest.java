package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ProtocolException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Header lines are parsed strictly, and found by name. */
class HeaderFieldTest {
  private static List<HeaderField> fields(String lines) throws ProtocolException {
    return HeaderField.parseAll(Heads.complete(lines), 0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '>',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "A: b>A>b",
        "A:b>A>b",
        "A:>A>''",
        "A: >A>''",
        "A:  \t b c\t >A>b c",
        "azAZ09-_!#$%&*+.^`|: x>azAZ09-_!#$%&*+.^`|>x",
        "A': b>A'>b",
        "A: b:c>A>b:c",
        "A: \u00e9\u00ff>A>\u00e9\u00ff",
      })
  void lineHasANameAndAValue(String line, String name, String value) throws Exception {
    assertThat(fields(line)).containsExactly(new HeaderField(name, value, 0, line.length() + 2));
  }

  @Test
  void linesAreFoundInTheirOrderWithTheirPlaces() throws Exception {
    String head = "GET\r\nA: 1\r\nB:2\r\n\r\n";
    assertThat(HeaderField.parseAll(head, 5))
        .containsExactly(new HeaderField("A", "1", 5, 11), new HeaderField("B", "2", 11, 16));
    assertThat(HeaderField.parseAll("GET\r\n\r\n", 5)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        " A: b|folded header line",
        "\tA: b|folded header line",
        "A: b~ c|folded header line",
        "A: b~\tc|folded header line",
        "A|header line without a colon",
        "A~B: c|header line without a colon",
        "A : b|malformed header name",
        "A\t: b|malformed header name",
        "A B: c|malformed header name",
        ": b|malformed header name",
        "\u00e9: b|malformed header name",
        "A(: b|malformed header name",
        "A@: b|malformed header name",
        "A[: b|malformed header name",
        "A{: b|malformed header name",
        "A/: b|malformed header name",
        "A;: b|malformed header name",
      })
  void malformedLineIsRefused(String lines, String mistake) {
    assertThatThrownBy(() -> fields(lines))
        .isInstanceOf(ProtocolException.class)
        .hasMessage(mistake);
  }

  @Test
  void valuesAndItemsAreFoundInAnyCaseOnAllLines() throws Exception {
    List<HeaderField> fields = fields("List: a ,b~X: y~LIST:\tc,, d");
    assertThat(HeaderField.values(fields, "list")).containsExactly("a ,b", "c,, d");
    assertThat(HeaderField.items(fields, "lisT")).containsExactly("a", "b", "c", "", "d");
    assertThat(HeaderField.values(fields, "lis")).isEmpty();
    assertThat(HeaderField.items(fields, "none")).isEmpty();
  }

  @Test
  void valueIsNotShown() throws Exception {
    assertThat(fields("Authorization: secret").get(0)).hasToString("Authorization");
  }
}
