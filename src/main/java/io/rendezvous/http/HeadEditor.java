package io.rendezvous.http;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Changes lines of a head. All other lines stay as they came, octet for octet and in their order.
 * Whatever is set, the result is one well-formed head: names have to be tokens, and neither values
 * nor the start line may contain a control character.
 *
 * <p>Used by one thread at a time.
 */
public final class HeadEditor {
  private static final String REMOVED = "";

  private final byte[] head;
  private final List<HeaderField> fields;
  private final @Nullable String[] edits; // by field: the whole new line, or null if it stays
  private final StringBuilder added = new StringBuilder();
  private @Nullable String startLine;
  private boolean changed;

  /**
   * Begins to edit a head.
   *
   * @param head its octets, which are not changed
   * @param fields its header lines
   */
  public HeadEditor(byte[] head, List<HeaderField> fields) {
    this.head = head;
    this.fields = fields;
    this.edits = new @Nullable String[fields.size()];
  }

  /** Returns the header lines that were neither removed nor added, as they came. */
  public Stream<HeaderField> fields() {
    return Stream.iterate(0, i -> i < edits.length, i -> i + 1)
        .filter(i -> !REMOVED.equals(edits[i]))
        .map(fields::get);
  }

  /** Returns whether a header line with a name is left of those that came. */
  public boolean has(String name) {
    return fields().anyMatch(field -> field.is(name));
  }

  /** Returns the start line as it came. */
  public String startLine() {
    int end = 0;
    while (head[end] != '\r') {
      end++;
    }
    return new String(head, 0, end, StandardCharsets.ISO_8859_1);
  }

  /** Replaces the start line. */
  public void setStartLine(String line) {
    startLine = checked(line) + "\r\n";
    changed = true;
  }

  /** Removes all header lines with a name. */
  public void remove(String name) {
    removeIf(field -> field.is(name));
  }

  /** Removes the header lines that a test selects. */
  public void removeIf(Predicate<HeaderField> test) {
    for (int i = 0; i < edits.length; i++) {
      if (test.test(fields.get(i))) {
        edits[i] = REMOVED;
        changed = true;
      }
    }
  }

  /** Replaces the value of a header line. Its name and its place stay. */
  public void replace(HeaderField field, String value) {
    edits[indexOf(field)] = line(field.name(), value);
    changed = true;
  }

  /** Returns a header line as it came, without its line end. */
  String line(HeaderField field) {
    int length = field.end() - field.start() - "\r\n".length();
    return new String(head, field.start(), length, StandardCharsets.ISO_8859_1);
  }

  /**
   * Cuts pieces out of a header line. What is left stays octet for octet.
   *
   * @param rest what is left of the line, with its name but without its line end
   */
  void cut(HeaderField field, String rest) {
    if (!rest.startsWith(field.name() + ":")) {
      throw new IllegalArgumentException("not a part of that line");
    }
    edits[indexOf(field)] = checked(rest) + "\r\n";
    changed = true;
  }

  private int indexOf(HeaderField field) {
    int at = fields.indexOf(field);
    if (at < 0) {
      throw new IllegalArgumentException("not a line of this head: " + field);
    }
    return at;
  }

  /** Adds a header line after all others. */
  public void add(String name, String value) {
    added.append(line(name, value));
    changed = true;
  }

  /** Removes all header lines with a name, and adds one. */
  public void set(String name, String value) {
    remove(name);
    add(name, value);
  }

  private static String line(String name, String value) {
    if (!HeaderField.isToken(name)) {
      throw new IllegalArgumentException("not a header name");
    }
    return name + ": " + checked(value) + "\r\n";
  }

  private static String checked(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < ' ' && c != '\t' || c == 0x7f || c > 0xff) {
        throw new IllegalArgumentException("not an octet of a head line: " + (int) c);
      }
    }
    return text;
  }

  /** Returns the octets of the edited head, with the empty line at its end. */
  public ByteBuffer octets() {
    if (!changed) {
      return ByteBuffer.wrap(head);
    }
    int size = head.length + added.length() + (startLine == null ? 0 : startLine.length());
    for (String edit : edits) {
      size += edit == null ? 0 : edit.length();
    }
    ByteBuffer out = ByteBuffer.allocate(size);
    int at = 0; // what comes before has been written
    if (startLine != null) {
      put(out, startLine);
      at = fields.isEmpty() ? head.length - 2 : fields.get(0).start();
    }
    for (int i = 0; i < edits.length; i++) {
      String edit = edits[i];
      if (edit != null) {
        HeaderField field = fields.get(i);
        out.put(head, at, field.start() - at);
        put(out, edit);
        at = field.end();
      }
    }
    int end = fields.isEmpty() ? head.length - 2 : fields.get(fields.size() - 1).end();
    out.put(head, at, end - at);
    put(out, added.toString());
    return out.put(head, end, head.length - end).flip();
  }

  private static void put(ByteBuffer out, String text) {
    out.put(text.getBytes(StandardCharsets.ISO_8859_1));
  }
}
