package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** A change of the realm does not go unnoticed. */
class VoidPasswordsTest {
  private static Entry entry(String realm) {
    UUID id = UUID.randomUUID();
    return Entry.create(id, List.of(), 8, Instant.EPOCH, List.of())
        .withPassword(Optional.of(ClientPassword.of(id, realm, "open sesame")));
  }

  @Test
  void passwordsOfAnotherRealmAreCountedAndNamed() {
    List<Entry> entries = new ArrayList<>(List.of(entry("new")));
    assertThat(VoidPasswords.warning(entries, "new")).isEmpty();
    Entry old = entry("old");
    entries.add(old);
    assertThat(VoidPasswords.warning(entries, "new").orElseThrow())
        .startsWith("1 entry has a password ")
        .endsWith(": " + old.id().toString().substring(0, 8));
    for (int i = 0; i < 4; i++) {
      entries.add(entry("older"));
    }
    assertThat(VoidPasswords.warning(entries, "new").orElseThrow())
        .startsWith("5 entries have passwords ")
        .endsWith(", ...");
  }
}
