package io.rendezvous.protocol.link;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Label;
import io.rendezvous.http.InfoPage;
import java.util.Optional;

/** The words of the broker's own pages. They contain labels, and nothing else that varies. */
final class Pages {
  static final InfoPage GONE =
      new InfoPage(
          "410 Gone",
          "This link is no longer valid",
          """
          <p>It has expired, was revoked, or is not complete.
          Ask the person who gave it to you for a new one.</p>
          """);

  static final InfoPage UNAVAILABLE =
      new InfoPage(
          "503 Service Unavailable",
          "That did not work",
          "<p>The broker cannot check links right now. Try again in a moment.</p>\n");

  static final InfoPage NOT_ALLOWED =
      new InfoPage(
          "405 Method Not Allowed",
          "That did not work",
          "<p>This is a page of the broker. Open it in a browser.</p>\n");

  static final InfoPage OTHER_SITE =
      new InfoPage(
          "403 Forbidden",
          "That did not work",
          "<p>The form was not sent by a page of this host. Open the link itself.</p>\n");

  static final InfoPage TOO_LARGE =
      new InfoPage("413 Content Too Large", "That did not work", "<p>The form is too long.</p>\n");

  static final InfoPage TOO_MANY =
      new InfoPage(
          "429 Too Many Requests", "Too many wrong passwords", "<p>Try again later.</p>\n");

  private static final String LEAVE =
      """
      <form method="post"><p><button>Leave</button></p></form>
      """;

  private Pages() {}

  /** Returns the page that shows which hidden server is chosen, and how to leave it. */
  static InfoPage chosen(Optional<Entry> entry) {
    return new InfoPage(
        "200 OK",
        "Rendezvous",
        entry
            .map(
                one ->
                    "<p>This browser is connected to "
                        + name(one)
                        + " by a link. <a href=\"/\">Open that server</a>, or leave it:</p>\n"
                        + LEAVE)
            .orElse("<p>This browser is connected to no server.</p>\n"));
  }

  /** Returns the page that asks before a link replaces another hidden server. */
  static InfoPage replace(Entry now, Entry next) {
    return new InfoPage(
        "200 OK",
        "Open another server?",
        instead(now, next)
            + "<form method=\"post\"><p><button>Open</button></p></form>\n"
            + "<p><a href=\"/\">Stay</a></p>\n");
  }

  /**
   * Returns the page that asks for the password of a hidden server.
   *
   * @param now the hidden server that the link would replace
   * @param wrong whether the password that was sent is wrong
   */
  static InfoPage password(Optional<Entry> now, Entry next, boolean wrong) {
    String intro =
        now.map(one -> instead(one, next)).orElse("<p>The link opens " + name(next) + ".</p>\n");
    return new InfoPage(
        wrong ? "403 Forbidden" : "200 OK",
        wrong ? "The password is wrong" : "Password",
        intro
            + """
            <form method="post">
            <p><label for="password">The password of that server:</label></p>
            <p><input id="password" name="password" type="password" required autofocus
            autocomplete="current-password"> <button>Open</button></p>
            </form>
            """);
  }

  private static String instead(Entry now, Entry next) {
    return "<p>This browser is connected to %s. The link opens %s instead.</p>\n"
        .formatted(name(now), name(next));
  }

  /** Returns the first label, or other words: a UUID lets its reader in. */
  private static String name(Entry entry) {
    return entry.labels().stream()
        .map(Label::nameOf)
        .filter(Pages::isLabel) // the store may contain what others have written
        .findFirst()
        .map(label -> "<b>" + label + "</b>")
        .orElse("a server without a name");
  }

  private static boolean isLabel(String text) {
    try {
      Entry.checkLabel(text);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
