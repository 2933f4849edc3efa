package io.rendezvous.http;

import java.net.ProtocolException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Parses the parameters of {@code Authorization: Digest}, and of other schemes with the same syntax
 * (RFC 9110, 11.4; RFC 7616, 3.4).
 */
public final class DigestCredentials {
  private static final String CHARACTER_SET = "UTF-8'";

  private final String text;
  private final Map<String, String> parameters = new HashMap<>();
  private int at;

  private DigestCredentials(String text) {
    this.text = text;
  }

  /**
   * Returns the parameters by name, in lower case.
   *
   * @param credentials the value of the header after the scheme
   * @throws ProtocolException if the parameters are malformed, or one occurs twice
   */
  public static Map<String, String> parameters(String credentials) throws ProtocolException {
    return new DigestCredentials(credentials).parse();
  }

  /**
   * Returns the user name, or an empty string if there is none.
   *
   * @throws ProtocolException if the parameters are malformed, or there are two user names
   */
  static String userName(String credentials) throws ProtocolException {
    Map<String, String> parameters = parameters(credentials);
    String plain = parameters.get("username");
    String extended = parameters.get("username*");
    if (plain != null && extended != null) {
      throw malformed();
    }
    return extended != null ? decode(extended) : plain != null ? plain : "";
  }

  /** Decodes an extended value (RFC 8187, 3.2.1), in the one character set that RFC 7616 allows. */
  private static String decode(String extended) throws ProtocolException {
    int language = CHARACTER_SET.length();
    int value = extended.indexOf('\'', language) + 1;
    if (!extended.regionMatches(true, 0, CHARACTER_SET, 0, language) || value == 0) {
      throw malformed();
    }
    try {
      String escaped = extended.substring(value).replace("+", "%2B");
      return URLDecoder.decode(escaped, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw malformed();
    }
  }

  private Map<String, String> parse() throws ProtocolException {
    while (true) {
      skip(" \t,");
      if (at == text.length()) {
        return parameters;
      }
      String name = until(" \t=,\"").toLowerCase(Locale.ROOT);
      skip(" \t");
      expect('=');
      skip(" \t");
      String value = at < text.length() && text.charAt(at) == '"' ? quoted() : until(" \t,\"");
      skip(" \t");
      boolean complete = at == text.length() || text.charAt(at) == ',';
      if (name.isEmpty() || !complete || parameters.put(name, value) != null) {
        throw malformed();
      }
    }
  }

  private String quoted() throws ProtocolException {
    StringBuilder value = new StringBuilder();
    for (at++; at < text.length(); at++) {
      char c = text.charAt(at);
      if (c == '"') {
        at++;
        return value.toString();
      }
      if (c == '\\' && ++at < text.length()) {
        c = text.charAt(at);
      }
      value.append(c);
    }
    throw malformed();
  }

  private String until(String stops) {
    int start = at;
    while (at < text.length() && stops.indexOf(text.charAt(at)) < 0) {
      at++;
    }
    return text.substring(start, at);
  }

  private void skip(String skipped) {
    while (at < text.length() && skipped.indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private void expect(char c) throws ProtocolException {
    if (at == text.length() || text.charAt(at++) != c) {
      throw malformed();
    }
  }

  private static ProtocolException malformed() {
    return new ProtocolException("malformed credentials");
  }
}
