package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests the paths of requests as they are shown. */
class ShownTextTest {
  private static String shown(String target) throws Exception {
    String head = "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
    return ShownText.path(RequestHead.parse(head.getBytes(StandardCharsets.ISO_8859_1)));
  }

  @ParameterizedTest
  @CsvSource({
    "/, /",
    "/a/b?token=secret, /a/b",
    "/?, /",
    "http://h:8/x?y, /x",
    "http://user:secret@h?y, /",
    "/%0d%0aend=whole, /%0d%0aend=whole",
    "/a'|{b}, /a'|{b}",
    "/\u00fc\u0085, /%FC%85",
    "/.well-known/rendezvous/TOKEN, /.well-known/rendezvous/...",
    "/.well-known/%72endezvou%73/TOKEN?x, /.well-known/rendezvous/...",
    "/.well-known/rendezvous/, /.well-known/rendezvous/...",
    "/.well-known/rendezvous, /.well-known/rendezvous",
    "/%, /%",
    "/%zz%e, /%zz%e",
  })
  void pathIsShownWithoutQueryAndSecrets(String target, String shown) throws Exception {
    assertThat(shown(target)).isEqualTo(shown);
  }

  @Test
  void longPathIsCut() throws Exception {
    assertThat(shown("/" + "a".repeat(255))).hasSize(256).endsWith("a");
    assertThat(shown("/" + "a".repeat(256))).hasSize(256).endsWith("aaa...");
    assertThat(shown("/" + "\u00fc".repeat(9000))).hasSize(256).endsWith("...");
  }

  @Test
  void longMethodIsCut() {
    assertThat(ShownText.cut("X".repeat(32), 32)).isEqualTo("X".repeat(32));
    assertThat(ShownText.cut("X".repeat(33), 32)).isEqualTo("X".repeat(29) + "...");
  }
}
