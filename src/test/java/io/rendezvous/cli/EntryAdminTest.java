package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.link.LinkIssuer;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** An entry may be named by its UUID or by a label. */
class EntryAdminTest {
  private static final UUID HOME = UUID.fromString("2f402f80-da50-11e1-9b23-0123456789ab");
  private static final UUID OTHER = UUID.fromString("3f402f80-da50-11e1-9b23-0123456789ab");

  private final EntryAdmin entries =
      new Listing(
          List.of(
              new EntryAdmin.Line(HOME, List.of("home", "both"), Optional.empty()),
              new EntryAdmin.Line(OTHER, List.of("both", "mqtt.home:31250"), Optional.empty())));

  /** Entries that can be listed. */
  private record Listing(List<Line> list) implements EntryAdmin {
    @Override
    public void create(Entry entry) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Optional<Provisioning> provisioning(UUID id, boolean js) {
      return Optional.empty();
    }

    @Override
    public boolean delete(UUID id) {
      return false;
    }

    @Override
    public boolean setPassword(UUID id, Optional<String> password) {
      return false;
    }

    @Override
    public Optional<LinkIssuer.Issued> share(UUID id, String path, Duration lifetime) {
      return Optional.empty();
    }

    @Override
    public boolean unshare(UUID id) {
      return false;
    }

    @Override
    public void close() {}
  }

  @Test
  void uuidIsTakenAsItIs() throws Exception {
    UUID unknown = UUID.fromString("4f402f80-da50-11e1-9b23-0123456789ab");
    assertThat(entries.idOf(unknown.toString())).isEqualTo(unknown);
  }

  @Test
  void labelIsLookedUp() throws Exception {
    assertThat(entries.idOf("Home")).isEqualTo(HOME);
    assertThat(entries.idOf("mqtt.home")).isEqualTo(OTHER);
    assertThat(entries.idOf("mqtt.home:31250")).isEqualTo(OTHER);
  }

  @Test
  void labelThatNoEntryHasIsReported() {
    assertThatThrownBy(() -> entries.idOf("hom"))
        .isInstanceOf(IOException.class)
        .hasMessage("No entry with UUID or label hom");
  }

  @Test
  void labelOfSeveralEntriesIsReportedWithTheirUuids() {
    assertThatThrownBy(() -> entries.idOf("both"))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "More than one entry has the label both; use one of their UUIDs: "
                + HOME
                + ", "
                + OTHER);
  }
}
