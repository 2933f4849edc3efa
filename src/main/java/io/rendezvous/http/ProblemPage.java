package io.rendezvous.http;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/**
 * The HTML pages that browsers show when the broker itself has to answer. They are plain ASCII and
 * contain nothing that a client has sent.
 */
final class ProblemPage {
  /** Opens a URL with another user name. A browser keeps a user name once it was typed. */
  private static final String SCRIPT =
      """
      document.querySelector('form').onsubmit = function (event) {
        event.preventDefault();
        var id = encodeURIComponent(this.elements.id.value.trim());
        location.href = location.protocol + '//' + id + ':x@' + location.host + location.pathname;
      };
      """;

  /** The style of all pages of the broker. */
  static final String STYLE =
      """
      body { font: 1.1em/1.5 system-ui, sans-serif; max-width: 36em; margin: 4em auto; \
      padding: 0 1em; color: #222; background: #fff }
      * { box-sizing: border-box }
      input { font: inherit; width: 24em; max-width: 100%; padding: .3em }
      button { font: inherit; padding: .3em 1em }
      @media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b } }
      """;

  private static final String FORM =
      """
      <form>
      <p><label for="id">The UUID of the server you want to reach:</label></p>
      <p><input id="id" name="id" required autocomplete="off" spellcheck="false"
      placeholder="00000000-0000-0000-0000-000000000000"> <button>Go</button></p>
      </form>
      """;

  /** The Content-Security-Policy, which allows the script and the style by their hashes only. */
  static final String POLICY =
      String.format(
          "default-src 'none'; script-src '%s'; style-src '%s'; form-action 'self';"
              + " frame-ancestors 'none'",
          hash(SCRIPT), hash(STYLE));

  private ProblemPage() {}

  /** Returns the page about a problem. */
  static String of(Problem problem) {
    boolean form = problem.status() != 401 && problem.status() != 400 && !problem.atHostName();
    return """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>%d %s</title>
        <style>%s</style>
        <h1>%s</h1>
        <p>%s</p>
        %s</html>
        """
        .formatted(
            problem.status(),
            problem.reason(),
            STYLE,
            heading(problem.status()),
            explanation(problem),
            form ? FORM + "<script>" + SCRIPT + "</script>\n" : "");
  }

  private static String heading(int status) {
    return switch (status) {
      case 401 -> "Which server?";
      case 404 -> "That server is not connected";
      case 502 -> "That server did not answer";
      case 503 -> "That server is busy";
      default -> "That did not work";
    };
  }

  private static String explanation(Problem problem) {
    return switch (problem.status()) {
      case 401 ->
          "Type the UUID of the server, in lower case, as the user name, and its password. If it has"
              + " none, type anything as the password. Reload the page to be asked again.";
      case 404 ->
          problem.atHostName()
              ? "No server is connected under this host name. It may be switched off."
              : "No server is connected under that UUID. Check that the UUID is right and that the"
                  + " server is running.";
      case 502 -> "The server was connected, but the connection ended before it answered.";
      default -> "The broker says: " + problem.diagnostic() + ".";
    };
  }

  /** Returns a hash by which a Content-Security-Policy allows a script or a style. */
  static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.US_ASCII));
      return "sha256-" + Base64.getEncoder().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every Java has it
    }
  }
}
