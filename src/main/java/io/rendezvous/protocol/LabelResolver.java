package io.rendezvous.protocol;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.LowerCase;
import io.rendezvous.entry.StoreWarning;
import io.rendezvous.http.RequestHead;
import java.io.IOException;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds hidden servers by their labels (protocol.md, 1.2). Any thread may call. */
public final class LabelResolver {
  private static final Logger LOG = LoggerFactory.getLogger(LabelResolver.class);

  /** The outcome of looking up a label. */
  public sealed interface Found {
    /** The label belongs to this entry. */
    record Known(Entry entry) implements Found {}

    /** The label belongs to no entry. */
    record Unknown() implements Found {}

    /** The store of entries cannot be reached. */
    record Unavailable() implements Found {}
  }

  private final Optional<String> suffix;
  private final EntryIndex index;
  private final StoreWarning unavailable;

  /**
   * Creates a resolver.
   *
   * @param domain the domain of the host names LABEL.DOMAIN; if it is empty, no host name has a
   *     label
   */
  public LabelResolver(Optional<String> domain, EntryIndex index, InstantSource clock) {
    this.suffix = domain.map(name -> "." + name.toLowerCase(Locale.ROOT));
    this.index = index;
    this.unavailable = new StoreWarning(LOG, "Labels cannot be looked up", clock);
  }

  /** Returns the label in the request's host name, if the name is in the broker's domain. */
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

  /** Returns the entry that a label belonged to when labels were last looked up. Never blocks. */
  public Optional<Entry> known(String label) {
    return index.knownLabel(LowerCase.of(label));
  }

  /** Looks up a label. May block. */
  public Found find(String label) {
    try {
      return index
          .labelled(LowerCase.of(label))
          .<Found>map(Found.Known::new)
          .orElseGet(Found.Unknown::new);
    } catch (IOException e) {
      unavailable.log(e);
      return new Found.Unavailable();
    } catch (RuntimeException e) { // a bug must not leave the client without an answer
      LOG.error("A label could not be looked up", e);
      return new Found.Unavailable();
    }
  }
}
