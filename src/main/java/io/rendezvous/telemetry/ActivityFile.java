package io.rendezvous.telemetry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.config.AtomicFile;
import io.rendezvous.entry.Entry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps for the next start of the broker when each hidden server was last seen, and how its last
 * tunnel ended. For one thread at a time.
 */
public final class ActivityFile {
  private static final Logger LOG = LoggerFactory.getLogger(ActivityFile.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String RESTART = "broker restart";

  private final Path file;
  private final ActivityLog ledger;
  private String saved = "";

  public ActivityFile(Path file, ActivityLog ledger) {
    this.file = file;
    this.ledger = ledger;
  }

  /** Reads what there is. Who was online then was cut off since. */
  public void load() {
    try {
      JsonNode all = JSON.readTree(Files.readString(file));
      for (var entry : all.properties()) {
        Optional<UUID> id = Entry.parseId(entry.getKey());
        if (id.isPresent()) {
          load(id.get(), entry.getValue());
        }
      }
    } catch (NoSuchFileException e) {
      // The first start.
    } catch (IOException | DateTimeParseException e) {
      LOG.warn("{} is not used: {}", file, e.toString());
    }
  }

  private void load(UUID id, JsonNode json) {
    Instant seen = Instant.parse(json.path("seen").asText());
    Optional<ActivityLog.End> end =
        json.has("end")
            ? Optional.of(
                new ActivityLog.End(
                    json.path("why").asText(), Instant.parse(json.path("end").asText())))
            : Optional.empty();
    boolean online = json.path("online").asBoolean();
    ledger.restore(id, seen, online ? Optional.of(new ActivityLog.End(RESTART, seen)) : end);
  }

  /**
   * Writes what is known now, if it is not what was written last.
   *
   * @param online who is
   */
  public void save(Set<UUID> online) {
    ObjectNode all = JSON.createObjectNode();
    for (UUID id : ledger.ids()) {
      Optional<Instant> seen = ledger.lastSeen(id);
      if (seen.isPresent()) {
        ObjectNode one = all.putObject(id.toString()).put("seen", seen.get().toString());
        ledger
            .lastEnd(id)
            .ifPresent(end -> one.put("why", end.why()).put("end", end.time().toString()));
        if (online.contains(id)) {
          one.put("online", true);
        }
      }
    }
    String text = all.toString();
    if (text.equals(saved)) {
      return;
    }
    try {
      write(text);
      saved = text;
    } catch (IOException e) {
      LOG.warn("{} cannot be written, and is old at the next start: {}", file, e.toString());
    }
  }

  private void write(String text) throws IOException {
    Path parent = file.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    AtomicFile.writeSecret(file, text);
  }
}
