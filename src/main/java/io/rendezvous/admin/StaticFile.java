package io.rendezvous.admin;

import io.undertow.server.HttpServerExchange;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** The files of the page, which are resources of this package. Any thread that may block. */
final class StaticFile {
  private static final Pattern OPEN = Pattern.compile("/|/[a-z]{1,30}\\.(js|css|svg)");
  private static final Map<String, String> TYPES =
      Map.of(
          "js", "text/javascript; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "svg", "image/svg+xml",
          "html", "text/html; charset=utf-8",
          "json", "application/json");

  private StaticFile() {}

  /** Returns whether a path has the form of a file that needs no token. */
  static boolean isOpen(String path) {
    return OPEN.matcher(path).matches();
  }

  /** Returns the name of the file at a path that is open. */
  static String nameOf(String path) {
    return path.equals("/") ? "index.html" : path.substring(1);
  }

  /** Returns the media type that belongs to a file name. */
  static String typeOf(String name) {
    return TYPES.getOrDefault(
        name.substring(name.lastIndexOf('.') + 1), "application/octet-stream");
  }

  /** Reads a file. Returns empty if there is none with that name. */
  static Optional<String> read(String name) throws IOException {
    try (InputStream in = StaticFile.class.getResourceAsStream(name)) {
      return in == null
          ? Optional.empty()
          : Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  /** Sends a file as the response. */
  static void send(HttpServerExchange exchange, String name) throws ApiException, IOException {
    String text =
        read(name)
            .orElseThrow(() -> new ApiException(StatusCodes.NOT_FOUND, "there is no such file"));
    ApiHandler.send(exchange, typeOf(name), text);
  }
}
