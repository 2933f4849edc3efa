package io.rendezvous.entry;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;

/** Finds passwords of clients that were set for another realm than the broker's. */
public final class VoidPasswords {
  private static final int SHOWN = 3;

  private VoidPasswords() {}

  /**
   * Returns a warning if entries have such passwords: their clients cannot log in.
   *
   * @param realm the realm of the broker's challenges
   */
  public static Optional<String> warning(Collection<Entry> entries, String realm) {
    List<UUID> ids =
        entries.stream()
            .filter(entry -> entry.password().filter(p -> !p.realm().equals(realm)).isPresent())
            .map(Entry::id)
            .sorted()
            .toList();
    if (ids.isEmpty()) {
      return Optional.empty();
    }
    String some =
        ids.stream()
            .limit(SHOWN)
            .map(id -> id.toString().substring(0, 8))
            .collect(Collectors.joining(", "));
    return Optional.of(
        ids.size()
            + (ids.size() == 1 ? " entry has a password" : " entries have passwords")
            + " for clients that was set for another rendezvous.realm and is void; set it again"
            + " (rendezvous entry password): "
            + some
            + (ids.size() > SHOWN ? ", ..." : ""));
  }
}
