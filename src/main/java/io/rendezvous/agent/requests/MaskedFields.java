package io.rendezvous.agent.requests;

import io.rendezvous.http.HeaderField;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Header lines as they may be shown: without the values that may let somebody in. */
final class MaskedFields {
  private static final String MASK = "\u2026";

  /** Names of header lines whose values are credentials, by what they contain. */
  private static final Pattern SECRET =
      Pattern.compile("auth|cookie|token|secret|passw|api-?key|session|^rendezvous-");

  /** Challenges, which contain {@code auth} but are sent to everybody. */
  private static final Set<String> PUBLIC = Set.of("www-authenticate", "proxy-authenticate");

  /** Names of header lines that contain URLs, whose queries may contain credentials. */
  private static final Set<String> URLS =
      Set.of("referer", "location", "content-location", "refresh", "link", "destination");

  private MaskedFields() {}

  /** Returns the first header lines, as many as have room in a number of characters. */
  static List<HeaderField> cut(Stream<HeaderField> fields, int max) {
    List<HeaderField> kept = new ArrayList<>();
    int size = 0;
    for (HeaderField field : (Iterable<HeaderField>) fields::iterator) {
      size += field.name().length() + field.value().length();
      if (size > max) {
        break;
      }
      kept.add(field);
    }
    return kept;
  }

  /** Returns a header line as it may be shown. */
  static String line(HeaderField field) {
    return field.name() + ": " + value(field);
  }

  private static String value(HeaderField field) {
    String name = field.name().toLowerCase(Locale.ROOT).replace('_', '-');
    if (SECRET.matcher(name).find() && !PUBLIC.contains(name)) {
      return MASK;
    }
    int query = URLS.contains(name) ? field.value().indexOf('?') : -1;
    return query < 0 ? field.value() : field.value().substring(0, query + 1) + MASK;
  }
}
