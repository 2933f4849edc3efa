package io.rendezvous.protocol;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.http.RequestHead;
import java.io.IOException;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds hidden servers by their labels, in host names and elsewhere (PROTOCOL 1.2). */
public final class LabelResolver {
  private static final Logger LOG = LoggerFactory.getLogger(LabelResolver.class);

  /** What became of a question for a label. */
  public sealed interface Found {
    /** It is this entry's. */
    record Known(Entry entry) implements Found {}

    /** It is nobody's. */
    record Unknown() implements Found {}

    /** The store could not be asked. */
    record Unavailable() implements Found {}
  }

  private final Optional<String> suffix;
  private final EntryIndex index;

  /**
   * Creates one.
   *
   * @param domain what host names that name a label end in; without it there are none
   */
  public LabelResolver(Optional<String> domain, EntryIndex index) {
    this.suffix = domain.map(name -> "." + name.toLowerCase(Locale.ROOT));
    this.index = index;
  }

  /** Returns the label in the request's host name, if that is of the domain. */
  public Optional<String> labelOf(RequestHead head) {
    if (suffix.isEmpty()) {
      return Optional.empty();
    }
    String host = head.hostName();
    String end = suffix.get();
    return host.endsWith(end)
        ? Optional.of(host.substring(0, host.length() - end.length()))
        : Optional.empty();
  }

  /** Returns whose label that is. May block. */
  public Found find(String label) {
    try {
      return index
          .labelled(label.toLowerCase(Locale.ROOT))
          .<Found>map(Found.Known::new)
          .orElseGet(Found.Unknown::new);
    } catch (IOException e) {
      LOG.warn("No label can be looked up now: {}", e.getMessage());
      return new Found.Unavailable();
    } catch (RuntimeException e) { // a mistake of ours must not leave the client without an answer
      LOG.error("A label could not be looked up", e);
      return new Found.Unavailable();
    }
  }
}
