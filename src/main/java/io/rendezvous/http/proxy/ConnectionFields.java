package io.rendezvous.http.proxy;

import io.rendezvous.http.HeadEditor;
import io.rendezvous.http.HeaderField;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.ResponseHead;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Removes the header lines that belong to one connection only: Connection, what it names, and those
 * that are known to (RFC 9110, 7.6.1).
 */
final class ConnectionFields {
  private static final Set<String> KNOWN = Set.of("keep-alive", "proxy-connection", "te");

  /** A message cannot do without these, whatever Connection says. */
  private static final Set<String> NEVER_REMOVED =
      Set.of("host", "content-length", "transfer-encoding");

  private static final String UPGRADE = "upgrade";

  private static final int SWITCHING_PROTOCOLS = 101;
  private static final int UPGRADE_REQUIRED = 426;

  private ConnectionFields() {}

  /** Removes them from a request, except for one that asks to switch protocols. */
  static void removeFrom(RequestHead request, HeadEditor editor) {
    boolean upgrades = request.isUpgrade() && !asksForHttp2(editor);
    boolean takesTrailers = request.lists("TE", "trailers");
    remove(editor, upgrades);
    if (upgrades) {
      editor.add("Connection", takesTrailers ? "Upgrade, TE" : "Upgrade");
    } else if (takesTrailers) {
      editor.add("Connection", "TE");
    }
    if (takesTrailers) {
      editor.add("TE", "trailers");
    }
  }

  /**
   * HTTP/2 in the clear would carry requests past this proxy, and RFC 9113 has no upgrade to it.
   */
  private static boolean asksForHttp2(HeadEditor editor) {
    return HeaderField.items(editor.fields().toList(), "Upgrade").stream()
        .anyMatch("h2c"::equalsIgnoreCase);
  }

  /** Removes them from an answer, except for one that switches protocols or wants to. */
  static void removeFrom(ResponseHead answer, HeadEditor editor) {
    boolean upgrades =
        answer.status() == SWITCHING_PROTOCOLS || answer.status() == UPGRADE_REQUIRED;
    remove(editor, upgrades);
    if (upgrades && editor.has(UPGRADE)) {
      editor.add("Connection", "Upgrade");
    }
  }

  private static void remove(HeadEditor editor, boolean exceptUpgrade) {
    Set<String> named =
        HeaderField.items(editor.fields().toList(), "Connection").stream()
            .map(name -> name.toLowerCase(Locale.ROOT))
            .filter(name -> !NEVER_REMOVED.contains(name))
            .collect(Collectors.toSet());
    editor.removeIf(
        field -> {
          String name = field.name().toLowerCase(Locale.ROOT);
          return name.equals(UPGRADE)
              ? !exceptUpgrade
              : name.equals("connection") || KNOWN.contains(name) || named.contains(name);
        });
  }
}
