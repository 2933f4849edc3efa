package io.rendezvous.telemetry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.config.AtomicFile;
import io.rendezvous.config.FileOwner;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.StrictJson;
import io.rendezvous.net.FailureText;
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
 * The file that keeps, across restarts of the broker, when each hidden server was last seen and how
 * its last tunnel ended. Not thread-safe, and it blocks.
 */
public final class ActivityFile {
  private static final Logger LOG = LoggerFactory.getLogger(ActivityFile.class);
  private static final ObjectMapper JSON = StrictJson.mapper();
  private static final String RESTART = "broker restart";

  private final Path file;
  private final ActivityLog activity;
  private String saved = "";

  public ActivityFile(Path file, ActivityLog activity) {
    this.file = file;
    this.activity = activity;
  }

  /**
   * Reads the file, if there is one. The last tunnel of a hidden server that was online when it was
   * saved has ended by the restart.
   */
  public void load() {
    try {
      JsonNode all = JSON.readTree(Files.readString(file));
      for (var server : all.properties()) {
        Optional<UUID> id = Entry.parseId(server.getKey());
        if (id.isPresent()) {
          load(id.get(), server.getValue());
        }
      }
    } catch (NoSuchFileException e) {
      // The broker starts for the first time.
    } catch (JsonProcessingException e) {
      LOG.warn("{} is ignored: it {}", file, StrictJson.explain(e));
    } catch (IOException | DateTimeParseException e) {
      LOG.warn("{} cannot be read and is ignored: {}", file, FailureText.of(e));
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
    activity.restore(id, seen, online ? Optional.of(new ActivityLog.End(RESTART, seen)) : end);
  }

  /**
   * Writes the file, if anything has changed since it was last written.
   *
   * @param online the IDs that are online
   */
  public void save(Set<UUID> online) {
    String text = toJson(online).toString();
    if (text.equals(saved)) {
      return;
    }
    try {
      write(text);
      saved = text;
    } catch (IOException e) {
      LOG.warn(
          "{} cannot be written, so it may be outdated after a restart: {}",
          file,
          FailureText.of(e));
    }
  }

  private ObjectNode toJson(Set<UUID> online) {
    ObjectNode all = JSON.createObjectNode();
    for (UUID id : activity.ids()) {
      Optional<Instant> seen = activity.lastSeen(id);
      if (seen.isPresent()) {
        ObjectNode server = all.putObject(id.toString()).put("seen", seen.get().toString());
        activity
            .lastEnd(id)
            .ifPresent(end -> server.put("why", end.why()).put("end", end.time().toString()));
        if (online.contains(id)) {
          server.put("online", true);
        }
      }
    }
    return all;
  }

  private void write(String text) throws IOException {
    FileOwner.createDirectoryOf(file);
    AtomicFile.writeSecret(file, text);
  }
}
