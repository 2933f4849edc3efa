package io.rendezvous.http.proxy;

import io.rendezvous.http.HeadEditor;
import io.rendezvous.http.HeaderField;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Puts the name of the local server in the place of the one that the client used, in all lines of a
 * request that name the client's origin, and puts the client's back in those of the answer.
 *
 * @param host the host and port of the local server, as it reads them in Host
 * @param origin the scheme, host and port of the local server
 */
record HostMapping(String host, String origin) {
  private static final Set<String> OF_REQUESTS = Set.of("origin", "referer", "destination");
  private static final Set<String> OF_ANSWERS =
      Set.of("location", "content-location", "access-control-allow-origin");
  private static final Pattern REFRESH =
      Pattern.compile("(?is)([^;,]*[;,]\\s*url\\s*=\\s*[\"']?)(.*)");
  private static final Pattern COOKIE_DOMAIN =
      Pattern.compile("(?i)(;\\s*Domain\\s*=\\s*\\.?)([^;\\s]*)");

  /**
   * Puts the local server's name in the place of the client's.
   *
   * @param clientHost the Host that the client sent; empty if it sent none
   */
  void toLocal(HeadEditor editor, String clientHost) {
    String clientOrigin = "https://" + clientHost;
    for (HeaderField field : List.copyOf(editor.fields().toList())) {
      String name = field.name().toLowerCase(Locale.ROOT);
      if (name.equals("host")) {
        editor.replace(field, host);
      } else if (OF_REQUESTS.contains(name) && isWithin(field.value(), clientOrigin)) {
        editor.replace(field, origin + field.value().substring(clientOrigin.length()));
      }
    }
    if (!editor.has("Host")) {
      editor.add("Host", host);
    }
  }

  /**
   * Puts the client's name in the place of the local server's.
   *
   * @param clientHost the Host that the client sent
   */
  void toClient(HeadEditor editor, String clientHost) {
    for (HeaderField field : List.copyOf(editor.fields().toList())) {
      String name = field.name().toLowerCase(Locale.ROOT);
      String value = field.value();
      String mapped = value;
      if (OF_ANSWERS.contains(name)) {
        mapped = url(value, clientHost);
      } else if (name.equals("refresh")) {
        Matcher matcher = REFRESH.matcher(value);
        mapped = matcher.matches() ? matcher.group(1) + url(matcher.group(2), clientHost) : value;
      } else if (name.equals("set-cookie")) {
        mapped = cookie(value, clientHost);
      }
      if (!mapped.equals(value)) {
        editor.replace(field, mapped);
      }
    }
  }

  /** Maps a URL of the local server, with either scheme: it may believe that it is behind TLS. */
  private String url(String url, String clientHost) {
    for (String scheme : List.of("http:", "https:", "")) {
      for (String name : List.of(host, withoutDefaultPort(scheme))) {
        String local = scheme + "//" + name;
        if (isWithin(url, local)) {
          String prefix = scheme.isEmpty() ? "//" : "https://";
          return prefix + clientHost + url.substring(local.length());
        }
      }
    }
    return url;
  }

  /** Returns the host as servers write it in a URL: without the port that the scheme implies. */
  private String withoutDefaultPort(String scheme) {
    boolean tls = (scheme.isEmpty() ? origin : scheme).startsWith("https:");
    return host.endsWith(tls ? ":443" : ":80") ? name(host) : host;
  }

  private String cookie(String cookie, String clientHost) {
    Matcher matcher = COOKIE_DOMAIN.matcher(cookie);
    if (matcher.find() && matcher.group(2).equalsIgnoreCase(name(host))) {
      return cookie.substring(0, matcher.start(2))
          + name(clientHost)
          + cookie.substring(matcher.end(2));
    }
    return cookie;
  }

  private static String name(String host) {
    return host.replaceFirst(":\\d*$", "");
  }

  /** Returns whether a URL begins with an origin, and not merely with its letters. */
  private static boolean isWithin(String url, String origin) {
    return url.regionMatches(true, 0, origin, 0, origin.length())
        && (url.length() == origin.length() || "/?#".indexOf(url.charAt(origin.length())) >= 0);
  }
}
