package io.rendezvous.http.relay;

import io.rendezvous.http.HeadEditor;
import io.rendezvous.http.HeaderField;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.ResponseHead;
import io.rendezvous.http.ResponseHead.Framing;
import java.net.ProtocolException;
import java.util.List;

/**
 * How the body of an answer is framed, and how it is passed on (RFC 9112, 6.3). It is as lenient as
 * clients are: a Content-Length beside a Transfer-Encoding is ignored, and one may be repeated.
 *
 * @param framing how the end of the body is found
 * @param length the length in octets, or 0 if it is not known before
 * @param unframed whether chunks are passed on without their framing, to a client of HTTP/1.0
 */
record AnswerBody(Framing framing, long length, boolean unframed) {
  private static final int NO_CONTENT = 204;
  private static final int NOT_MODIFIED = 304;
  private static final int MAX_DIGITS = 18;

  /**
   * Returns how the body of an answer is framed.
   *
   * @throws ProtocolException if the head does not say so unambiguously
   */
  static AnswerBody of(ResponseHead answer, RequestHead request) throws ProtocolException {
    AnswerBody body = of(answer, request.method().equals("HEAD"));
    boolean unframed = body.framing == Framing.CHUNKS && !request.isHttp11();
    return new AnswerBody(body.framing, body.length, unframed);
  }

  /**
   * Returns how the body of an answer is framed, if the client is sent it as it comes.
   *
   * @param toHead whether it answers a HEAD request
   * @throws ProtocolException if the head does not say so unambiguously
   */
  static AnswerBody of(ResponseHead answer, boolean toHead) throws ProtocolException {
    int status = answer.status();
    boolean none = status / 100 == 1 || status == NO_CONTENT || status == NOT_MODIFIED;
    if (none || toHead) {
      return new AnswerBody(Framing.NONE, 0, false);
    }
    List<String> codings = codings(answer);
    if (!codings.isEmpty()) {
      boolean chunked = codings.get(codings.size() - 1).equalsIgnoreCase("chunked");
      if (chunked && codings.stream().filter("chunked"::equalsIgnoreCase).count() > 1) {
        throw new ProtocolException("malformed Transfer-Encoding");
      }
      return new AnswerBody(chunked ? Framing.CHUNKS : Framing.END, 0, false);
    }
    List<String> lengths = HeaderField.items(answer.fields(), "Content-Length");
    if (lengths.size() > 1) {
      lengths = lengths.stream().distinct().toList();
    }
    if (lengths.isEmpty()) {
      return new AnswerBody(Framing.END, 0, false);
    }
    return new AnswerBody(Framing.LENGTH, length(lengths), false);
  }

  /** Returns whether there is no body, or an empty one. */
  boolean isEmpty() {
    return framing == Framing.NONE || framing == Framing.LENGTH && length == 0;
  }

  private static long length(List<String> lengths) throws ProtocolException {
    String length = lengths.get(0);
    boolean number = length.chars().allMatch(c -> c >= '0' && c <= '9');
    if (lengths.size() > 1 || !number || length.isEmpty() || length.length() > MAX_DIGITS) {
      throw new ProtocolException("malformed Content-Length");
    }
    return Long.parseLong(length);
  }

  /** Returns the transfer codings. What servers repeat by mistake, chunked, is there once. */
  private static List<String> codings(ResponseHead answer) {
    List<String> all = HeaderField.items(answer.fields(), "Transfer-Encoding");
    if (all.isEmpty()) {
      return all;
    }
    List<String> codings =
        all.stream()
            .filter(coding -> !coding.isEmpty() && !coding.equalsIgnoreCase("identity"))
            .toList();
    return codings.stream().allMatch("chunked"::equalsIgnoreCase)
        ? codings.subList(0, Math.min(1, codings.size()))
        : codings;
  }

  /** Corrects the header lines of the answer that contradict the framing with which it is sent. */
  void correct(ResponseHead answer, HeadEditor editor) {
    if (framing != Framing.CHUNKS || unframed) {
      editor.remove("Transfer-Encoding");
    } else {
      setIfOther(editor, "Transfer-Encoding", String.join(", ", codings(answer)));
    }
    boolean forbidden = answer.status() / 100 == 1 || answer.status() == NO_CONTENT;
    if (forbidden || framing == Framing.CHUNKS || framing == Framing.END) {
      editor.remove("Content-Length");
    } else if (framing == Framing.LENGTH) {
      setIfOther(editor, "Content-Length", Long.toString(length));
    }
  }

  /** Sets a value, unless it is the only one already: then the line stays as it came. */
  private static void setIfOther(HeadEditor editor, String name, String value) {
    List<HeaderField> lines = editor.fields().filter(field -> field.is(name)).toList();
    if (lines.size() != 1 || !lines.get(0).value().equals(value)) {
      editor.set(name, value);
    }
  }
}
