package io.rendezvous.http.proxy;

import static io.rendezvous.testing.FuzzCorpus.check;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.rendezvous.http.BodySkipper;
import io.rendezvous.http.HeadEditor;
import io.rendezvous.http.HeadReader;
import io.rendezvous.http.RequestHead;
import io.rendezvous.testing.FuzzCorpus;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A fuzz target: whatever a client sends, the local server is sent one well-formed head, whose
 * lines are the client's except for those that are the proxy's business, and the end of the body is
 * the same however it is split.
 */
class RequestFuzzTest {
  private static final int MAX_HEAD = 64 * 1024;
  private static final HostMapping MAPPING = new HostMapping("app:80", "http://app:80");
  private static final Pattern HEAD =
      Pattern.compile(
          "[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\\x21-\\x7e\\x80-\\xff]+ HTTP/1\\.[01]\\r\\n"
              + "([!#$%&'*+.^_`|~0-9A-Za-z-]++:[\\t\\x20-\\x7e\\x80-\\xff]*+\\r\\n)*+\\r\\n");

  private record Request(String head, int bodyEnd, BodySkipper.Progress progress) {}

  @Test
  void corpusHolds() throws Exception {
    FuzzCorpus.replay("requests", RequestFuzzTest::fuzzerTestOneInput);
  }

  /**
   * Tests one input.
   *
   * @param input two octets that choose the options and the way of splitting, then the request
   */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < 2) {
      return;
    }
    byte[] octets = Arrays.copyOfRange(input, 2, input.length);
    Request whole = read(List.of(ByteBuffer.wrap(octets)));
    Request split = read(FuzzCorpus.pieces(octets, input[1]));
    check(whole == null ? split == null : whole.equals(split), whole + " in pieces: " + split);
    if (whole != null) {
      checkEdited(whole.head(), (input[0] & 1) != 0, (input[0] & 2) != 0);
    }
  }

  /** Returns the request, or null if it is malformed. */
  private static @Nullable Request read(List<ByteBuffer> pieces) {
    HeadReader reader = new HeadReader(MAX_HEAD);
    @Nullable BodySkipper skipper = null;
    BodySkipper.Progress progress = BodySkipper.Progress.MORE;
    int left = 0;
    for (ByteBuffer piece : pieces) {
      if (skipper == null && reader.read(piece) == HeadReader.Progress.WHOLE) {
        RequestHead head = parsed(reader.head());
        if (head == null) {
          return null;
        }
        skipper = new BodySkipper(head.bodyLength());
      }
      if (skipper != null && progress != BodySkipper.Progress.MALFORMED) {
        progress = skipper.skip(piece);
      }
      left += piece.remaining();
    }
    boolean malformed = progress == BodySkipper.Progress.MALFORMED;
    return skipper == null
        ? null
        : new Request(new String(reader.head(), ISO_8859_1), malformed ? 0 : left, progress);
  }

  private static @Nullable RequestHead parsed(byte[] octets) {
    try {
      RequestHead head = RequestHead.parse(octets);
      head.checkForward();
      return head;
    } catch (ProtocolException e) {
      return null;
    }
  }

  private static RequestHead valid(String head) {
    RequestHead parsed = parsed(head.getBytes(ISO_8859_1));
    if (parsed == null) {
      throw new AssertionError("not a request: " + head);
    }
    return parsed;
  }

  private static void checkEdited(String head, boolean forwarded, boolean rewrites) {
    RequestHead request = valid(head);
    HeadEditor editor = request.edit();
    ConnectionFields.removeFrom(request, editor);
    OriginFields.remove(editor);
    if (forwarded) {
      OriginFields.add(editor, InetAddress.getLoopbackAddress(), request.value("Host"));
    }
    if (rewrites) {
      MAPPING.toLocal(editor, request.value("Host").orElse(""));
    }
    String edited = ISO_8859_1.decode(editor.octets()).toString();
    check(HEAD.matcher(edited).matches(), "not one head: " + edited);
    RequestHead sent = valid(edited);
    check(sent.method().equals(request.method()), "method: " + edited);
    check(sent.target().equals(request.target()), "target: " + edited);
    check(sent.isHttp11() == request.isHttp11(), "version: " + edited);
    check(sent.bodyLength() == request.bodyLength(), "framing: " + edited);
    checkConnection(sent);
    checkOrigins(edited, forwarded);
    if (!rewrites) {
      checkOthersAreKept(head, edited);
    }
  }

  private static void checkConnection(RequestHead sent) {
    Optional<String> connection = sent.value("Connection");
    check(
        connection.isEmpty() || List.of("Upgrade", "TE", "Upgrade, TE").contains(connection.get()),
        "Connection: " + connection);
    check(sent.field("Upgrade").isEmpty() || sent.isUpgrade(), "Upgrade without Connection");
  }

  private static void checkOrigins(String edited, boolean forwarded) {
    long origins =
        edited
            .lines()
            .map(line -> line.toLowerCase(Locale.ROOT).replace('_', '-'))
            .filter(line -> line.startsWith("x-forwarded-for:") || line.startsWith("forwarded:"))
            .count();
    check(origins == (forwarded ? 2 : 0), "origins: " + edited);
  }

  /** Checks that the lines that came are there in their order, without some of them. */
  private static void checkOthersAreKept(String head, String edited) {
    Iterator<String> came = head.lines().iterator();
    for (String line : edited.lines().takeWhile(l -> !isAdded(l)).toList()) {
      boolean found = false;
      while (!found && came.hasNext()) {
        found = came.next().equals(line);
      }
      check(found, "a line that did not come: " + line);
    }
  }

  private static boolean isAdded(String line) {
    return line.startsWith("Connection: ") || line.startsWith("TE: ") || isForwarded(line);
  }

  private static boolean isForwarded(String line) {
    return line.startsWith("Forwarded: ");
  }
}
