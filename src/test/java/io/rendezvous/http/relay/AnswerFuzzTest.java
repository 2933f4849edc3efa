package io.rendezvous.http.relay;

import static io.rendezvous.testing.FuzzCorpus.check;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.rendezvous.http.HeadEditor;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.ResponseHead;
import io.rendezvous.http.ResponseHead.Framing;
import io.rendezvous.http.relay.AnswerFilter.Part;
import io.rendezvous.net.BufferPool;
import io.rendezvous.testing.FuzzCorpus;
import java.io.ByteArrayOutputStream;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A fuzz target: whatever a server answers, the client is sent well-formed heads and a body whose
 * end it finds where the relay finds it, and all is the same however the answer is split.
 */
class AnswerFuzzTest {
  private static final BufferPool BUFFERS = new BufferPool(4);
  private static final List<String> REQUESTS =
      List.of(
          "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
          "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
          "GET / HTTP/1.0\r\n\r\n",
          "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n");

  /** What the client is sent, or null if the answer is malformed. */
  private record Passed(String text, Part part, Framing framing, boolean unframed) {}

  /** Edits heads as a proxy does. */
  private static final class Editor implements AnswerFilter.Editor {
    private final boolean edits;
    private AnswerBody body = new AnswerBody(Framing.NONE, 0, false);

    Editor(boolean edits) {
      this.edits = edits;
    }

    @Override
    public void editInterim(ResponseHead answer, HeadEditor editor) {
      if (edits) {
        editor.setStartLine("HTTP/1.1" + editor.startLine().substring("HTTP/1.1".length()));
        editor.remove("Connection");
        editor.fields().filter(f -> f.is("Location")).forEach(f -> editor.replace(f, "/x"));
      }
    }

    @Override
    public boolean begin(ResponseHead answer, AnswerBody answerBody, HeadEditor editor) {
      body = answerBody;
      editInterim(answer, editor);
      if (edits) {
        editor.set("Connection", "close");
      }
      return true;
    }
  }

  @Test
  void corpusHolds() throws Exception {
    FuzzCorpus.replay("answers", AnswerFuzzTest::fuzzerTestOneInput);
  }

  /**
   * Tests one input.
   *
   * @param input two octets that choose the request and the way of splitting, then the answer
   */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < 2) {
      return;
    }
    byte[] answer = Arrays.copyOfRange(input, 2, input.length);
    RequestHead request = request(input[0] & 3);
    boolean edits = (input[0] & 4) != 0;
    boolean upgrades = (input[0] & 8) != 0;
    Passed whole = pass(request, upgrades, edits, List.of(ByteBuffer.wrap(answer)));
    List<ByteBuffer> pieces = FuzzCorpus.pieces(answer, input[1]);
    Passed split = pass(request, upgrades, edits, pieces);
    check(whole == null ? split == null : whole.equals(split), whole + " in pieces: " + split);
    if (whole != null) {
      checkText(whole, StrictClient.read(whole.text(), request.method(), request.isHttp11()));
    }
  }

  private static void checkText(Passed passed, StrictClient.Knowledge knowledge) {
    StrictClient.Knowledge expected =
        switch (passed.part()) {
          case HEAD -> StrictClient.Knowledge.NO_ANSWER;
          case OTHER_PROTOCOL -> StrictClient.Knowledge.SWITCHED;
          case NOTHING ->
              passed.unframed()
                  ? StrictClient.Knowledge.UNTIL_END
                  : StrictClient.Knowledge.COMPLETE;
          case BODY ->
              passed.unframed() || passed.framing() == Framing.END
                  ? StrictClient.Knowledge.UNTIL_END
                  : StrictClient.Knowledge.INCOMPLETE;
        };
    check(knowledge == expected, passed.part() + " is " + knowledge + ": " + passed.text());
  }

  private static RequestHead request(int which) {
    try {
      return RequestHead.parse(REQUESTS.get(which).getBytes(ISO_8859_1));
    } catch (ProtocolException e) {
      throw new AssertionError(e);
    }
  }

  private static @Nullable Passed pass(
      RequestHead request, boolean upgrades, boolean edits, List<ByteBuffer> pieces) {
    Editor editor = new Editor(edits);
    AnswerFilter filter = new AnswerFilter(request, upgrades, editor, BUFFERS);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      for (ByteBuffer piece : pieces) {
        boolean raw = filter.part() == Part.OTHER_PROTOCOL;
        if (filter.part() != Part.NOTHING && piece.hasRemaining()) {
          ByteBuffer passed = raw ? piece : filter.apply(piece);
          out.write(passed.array(), passed.arrayOffset() + passed.position(), passed.remaining());
        }
      }
    } catch (ProtocolException e) {
      return null;
    }
    return new Passed(
        out.toString(ISO_8859_1), filter.part(), editor.body.framing(), editor.body.unframed());
  }
}
