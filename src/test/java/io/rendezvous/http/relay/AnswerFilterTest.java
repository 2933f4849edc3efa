package io.rendezvous.http.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.http.HeadEditor;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.ResponseHead;
import io.rendezvous.http.relay.AnswerFilter.Part;
import io.rendezvous.net.BufferPool;
import java.io.ByteArrayOutputStream;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An answer is passed on as RFC 9112 (6.3) frames it, however it is split. Lines end with ~. */
class AnswerFilterTest {
  private static final BufferPool BUFFERS = new BufferPool(4);

  /** Lets each answer begin, and notes the status of each head. */
  private static final class Recorder implements AnswerFilter.Editor {
    private final List<Integer> statuses = new ArrayList<>();

    @Override
    public void editInterim(ResponseHead answer, HeadEditor editor) {
      statuses.add(answer.status());
    }

    @Override
    public boolean begin(ResponseHead answer, AnswerBody body, HeadEditor editor) {
      statuses.add(answer.status());
      return true;
    }
  }

  /** What has become of an answer. */
  private record Passed(String text, Part part, boolean surplus, List<Integer> statuses) {}

  private static RequestHead request(String line) throws ProtocolException {
    String host = line.endsWith("1.1") ? "Host: x\r\n" : "";
    return RequestHead.parse((line + "\r\n" + host + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
  }

  private static Passed pass(String line, String answer, int piece) throws ProtocolException {
    Recorder recorder = new Recorder();
    AnswerFilter filter = new AnswerFilter(request(line), true, recorder, BUFFERS);
    byte[] octets = answer.replace("~", "\r\n").getBytes(StandardCharsets.ISO_8859_1);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    boolean surplus = false;
    for (int i = 0; i < octets.length; i += piece) {
      if (filter.part() == Part.NOTHING) {
        surplus = true; // nothing more would be read
        break;
      }
      ByteBuffer read = ByteBuffer.wrap(octets, i, Math.min(piece, octets.length - i));
      ByteBuffer passed = filter.apply(read);
      out.write(passed.array(), passed.arrayOffset() + passed.position(), passed.remaining());
      surplus |= filter.hasSurplus();
    }
    String text = out.toString(StandardCharsets.ISO_8859_1).replace("\r\n", "~");
    return new Passed(text, filter.part(), surplus, recorder.statuses);
  }

  private static Passed pass(String line, String answer) throws ProtocolException {
    Passed whole = pass(line, answer, answer.length() * 2);
    for (int piece : new int[] {1, 2, 3, 5, 17}) {
      if (whole.part() != Part.OTHER_PROTOCOL) {
        assertThat(pass(line, answer, piece)).as("in pieces of %d", piece).isEqualTo(whole);
      }
    }
    return whole;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200 OK~Content-Length: 5~~hello",
        "HTTP/1.1 200 OK~Content-Length: 0~~",
        "HTTP/1.1 200 OK~X: y~Transfer-Encoding: chunked~~5;a=b~hello~2~~~0~T: u~~",
        "HTTP/1.1 200 OK~Transfer-Encoding: gzip, Chunked~~0~~",
        "HTTP/1.1 204 No Content~~",
        "HTTP/1.1 304 Not Modified~ETag: \"a\"~Content-Length: 1234~~",
        "HTTP/1.1 103 Early Hints~Link: </a.css>~~HTTP/1.1 200 OK~Content-Length: 1~~x",
        "HTTP/1.1 102 ~~HTTP/1.1 102 ~~HTTP/1.1 100 ~~HTTP/1.1 200 OK~Content-Length: 0~~",
      })
  void answerIsPassedOnAsItCame(String answer) throws Exception {
    Passed passed = pass("GET / HTTP/1.1", answer);
    assertThat(passed.text()).isEqualTo(answer);
    assertThat(passed.part()).isEqualTo(Part.NOTHING);
    assertThat(passed.surplus()).isFalse();
    assertThat(pass("GET / HTTP/1.1", answer + "HTTP/1.1 200 OK~~").surplus()).isTrue();
  }

  @Test
  void answerToHeadHasNoBody() throws Exception {
    String answer = "HTTP/1.1 200 OK~Content-Length: 5~~";
    assertThat(pass("HEAD / HTTP/1.1", answer))
        .isEqualTo(new Passed(answer, Part.NOTHING, false, List.of(200)));
    assertThat(pass("HEAD / HTTP/1.1", answer + "hello").surplus()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "HTTP/1.1 200 OK~~hello",
    "HTTP/1.0 200 OK~X: y~~hello",
    "HTTP/1.1 200 OK~Transfer-Encoding: gzip~~hello",
    "HTTP/1.1 200 OK~Transfer-Encoding: chunked~Transfer-Encoding: gzip~~hello",
  })
  void bodyWithoutALengthEndsWithTheConnection(String answer) throws Exception {
    Passed passed = pass("GET / HTTP/1.1", answer);
    assertThat(passed.part()).isEqualTo(Part.BODY);
    assertThat(passed.text()).endsWith("~~hello").startsWith(answer.substring(0, 15));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "HTTP/1.1 304 X~Transfer-Encoding: chunked~~; HTTP/1.1 304 X~~",
        "HTTP/1.1 204 X~Transfer-Encoding: chunked~~; HTTP/1.1 204 X~~",
        "HTTP/1.1 204 X~Content-Length: 3~~; HTTP/1.1 204 X~~",
        "HTTP/1.1 200 X~Content-Length: 9~Transfer-Encoding: chunked~~0~~;"
            + " HTTP/1.1 200 X~Transfer-Encoding: chunked~~0~~",
        "HTTP/1.1 200 X~Content-Length: 1~Content-Length: 1~~x;"
            + " HTTP/1.1 200 X~Content-Length: 1~~x",
        "HTTP/1.1 200 X~Content-Length: 1, 1~~x; HTTP/1.1 200 X~Content-Length: 1~~x",
        "HTTP/1.1 200 X~Transfer-Encoding: identity~Content-Length: 1~~x;"
            + " HTTP/1.1 200 X~Content-Length: 1~~x",
        "HTTP/1.1 200 X~Transfer-Encoding: identity, Chunked,~~0~~;"
            + " HTTP/1.1 200 X~Transfer-Encoding: Chunked~~0~~",
        "HTTP/1.1 200 X~Transfer-Encoding: chunked~Transfer-Encoding: chunked~~0~~;"
            + " HTTP/1.1 200 X~Transfer-Encoding: chunked~~0~~",
        "HTTP/1.1 200~A : b~Content-Length: 1~~x; HTTP/1.1 200 ~A: b~Content-Length: 1~~x",
      })
  void linesThatContradictTheFramingAreCorrected(String answer, String corrected) throws Exception {
    Passed passed = pass("GET / HTTP/1.1", answer);
    assertThat(passed.text()).isEqualTo(corrected);
    assertThat(passed.part()).isEqualTo(Part.NOTHING);
  }

  @Test
  void clientOfHttp10GetsNeitherChunksNorInterimResponses() throws Exception {
    String chunked =
        "HTTP/1.1 103 X~~HTTP/1.1 200 OK~Transfer-Encoding: chunked~~5;x=y~hello~1~!~0~T: u~~";
    assertThat(pass("GET / HTTP/1.0", chunked))
        .isEqualTo(new Passed("HTTP/1.1 200 OK~~hello!", Part.NOTHING, false, List.of(200)));
  }

  @ParameterizedTest
  @CsvSource({
    "GET / HTTP/1.1, HTTP/1.1 101 Switching~Upgrade: x~~\u0081ping",
    "CONNECT a:1 HTTP/1.1, HTTP/1.1 200 Connected~~hello",
  })
  void anotherProtocolFollowsItsHead(String request, String answer) throws Exception {
    Passed passed = pass(request, answer);
    assertThat(passed.part()).isEqualTo(Part.OTHER_PROTOCOL);
    assertThat(passed.text()).isEqualTo(answer);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "no HTTP~~",
        "HTTP/1.1 2xx OK~~",
        "HTTP/1.1 200 OK~A~~",
        "HTTP/1.1 200 OK~Content-Length: 1, 2~~",
        "HTTP/1.1 200 OK~Content-Length: 1~Content-Length: 2~~",
        "HTTP/1.1 200 OK~Content-Length: -1~~",
        "HTTP/1.1 200 OK~Content-Length:~~",
        "HTTP/1.1 200 OK~Content-Length: 1000000000000000000~~",
        "HTTP/1.1 200 OK~Transfer-Encoding: chunked, gzip, chunked~~0~~",
        "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~x~",
        "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~1~abc",
      })
  void malformedAnswerIsRefused(String answer) {
    for (int piece : new int[] {1, 1000}) {
      assertThatThrownBy(() -> pass("GET / HTTP/1.1", answer, piece))
          .isInstanceOf(ProtocolException.class);
    }
  }

  @Test
  void unaskedSwitchIsRefused() throws Exception {
    AnswerFilter filter =
        new AnswerFilter(request("GET / HTTP/1.1"), false, new Recorder(), BUFFERS);
    ByteBuffer answer =
        ByteBuffer.wrap("HTTP/1.1 101 X\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    assertThatThrownBy(() -> filter.apply(answer)).isInstanceOf(ProtocolException.class);
  }

  @Test
  void longBodyIsPassedOnInTheBufferThatWasRead() throws Exception {
    AnswerFilter filter =
        new AnswerFilter(request("GET / HTTP/1.1"), false, new Recorder(), BUFFERS);
    filter.apply(
        ByteBuffer.wrap(
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
    ByteBuffer read = ByteBuffer.allocate(120);
    ByteBuffer passed = filter.apply(read);
    assertThat(passed).isSameAs(read);
    assertThat(passed.remaining()).isEqualTo(100);
    assertThat(filter.part()).isEqualTo(Part.NOTHING);
    assertThat(filter.hasSurplus()).isTrue();
  }
}
