package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lines of a head are changed, and all others stay octet for octet. */
class HeadEditorTest {
  private static final String LINES =
      "GET /a%20b\u00fc HTTP/1.1~hOST:  x ~A:1~B: \t2~a: 3~X-Empty:";

  private static String edited(String lines, Consumer<HeadEditor> edits) throws Exception {
    HeadEditor editor = Heads.request(lines).edit();
    edits.accept(editor);
    return Heads.text(editor.octets());
  }

  private static String edited(Consumer<HeadEditor> edits) throws Exception {
    return edited(LINES, edits);
  }

  @Test
  void untouchedHeadStaysAsItCame() throws Exception {
    assertThat(edited(editor -> {})).isEqualTo(Heads.complete(LINES));
    assertThat(edited(editor -> editor.remove("None"))).isEqualTo(Heads.complete(LINES));
  }

  @Test
  void linesAreRemoved() throws Exception {
    assertThat(edited(editor -> editor.remove("A")))
        .isEqualTo(Heads.complete("GET /a%20b\u00fc HTTP/1.1~hOST:  x ~B: \t2~X-Empty:"));
    assertThat(edited(editor -> editor.removeIf(field -> true)))
        .isEqualTo(Heads.complete("GET /a%20b\u00fc HTTP/1.1"));
  }

  @Test
  void linesAreReplacedInTheirPlaceAndAddedAtTheEnd() throws Exception {
    assertThat(
            edited(
                editor -> {
                  editor.replace(editor.fields().filter(f -> f.is("a")).findFirst().get(), "new");
                  editor.add("Z", "last");
                  editor.set("Host", "y");
                }))
        .isEqualTo(
            Heads.complete(
                "GET /a%20b\u00fc HTTP/1.1~A: new~B: \t2~a: 3~X-Empty:~Z: last~Host: y"));
  }

  @Test
  void lineThatIsReplacedTwiceHasTheLastValue() throws Exception {
    assertThat(
            edited(
                editor -> {
                  HeaderField field = editor.fields().toList().get(0);
                  editor.replace(field, "first");
                  editor.replace(field, "second");
                }))
        .contains("\r\nhOST: second\r\n")
        .doesNotContain("first");
  }

  @Test
  void startLineIsReplaced() throws Exception {
    String without = "GET / HTTP/1.0";
    assertThat(edited(without, editor -> editor.setStartLine("GET /b HTTP/1.0")))
        .isEqualTo(Heads.complete("GET /b HTTP/1.0"));
    assertThat(
            edited(
                editor -> {
                  editor.setStartLine(editor.startLine() + "!");
                  editor.remove("Host");
                }))
        .isEqualTo(Heads.complete("GET /a%20b\u00fc HTTP/1.1!~A:1~B: \t2~a: 3~X-Empty:"));
  }

  @Test
  void editorSaysWhatIsLeftOfWhatCame() throws Exception {
    HeadEditor editor = Heads.request(LINES).edit();
    editor.remove("a");
    editor.add("New", "x");
    assertThat(editor.fields().map(HeaderField::name)).containsExactly("hOST", "B", "X-Empty");
    assertThat(editor.has("b")).isTrue();
    assertThat(editor.has("A")).isFalse();
    assertThat(editor.has("New")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\r\nb", "a\nb", "a\rb", "\0", "\u007f", "\u0100"})
  void nothingThatEndsALineIsWritten(String value) throws Exception {
    HeadEditor editor = Heads.request(LINES).edit();
    HeaderField field = editor.fields().toList().get(0);
    assertThatThrownBy(() -> editor.add("X", value)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> editor.replace(field, value))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> editor.setStartLine(value))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> editor.add("X: " + value, "x"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(Heads.text(editor.octets())).isEqualTo(Heads.complete(LINES));
  }

  @Test
  void lineOfAnotherHeadIsNotReplaced() throws Exception {
    HeadEditor editor = Heads.request("GET / HTTP/1.0").edit();
    HeaderField other = Heads.request(LINES).edit().fields().toList().get(0);
    assertThatThrownBy(() -> editor.replace(other, "x"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
