package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.config.RelayMode;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.Provisioner;
import io.rendezvous.net.FailureText;
import io.rendezvous.telemetry.AccessLog;
import io.rendezvous.telemetry.ActivityLog;
import io.rendezvous.telemetry.LastRefusals;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.Refusal;
import io.rendezvous.tunnel.Rendezvous;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Entries and rendezvous as the API shows them: JSON without secrets. Any thread may call, unless a
 * method says otherwise.
 */
final class JsonViews {
  private static final Logger LOG = LoggerFactory.getLogger(JsonViews.class);

  private final EntryIndex index;
  private final Presence presence;
  private final ActivityLog activity;
  private final Provisioner provisioner;
  private final InstantSource clock;

  JsonViews(AdminServer.BrokerParts parts, InstantSource clock) {
    this.index = parts.index();
    this.presence = parts.presence();
    this.activity = parts.activity();
    this.provisioner = parts.provisioner();
    this.clock = clock;
  }

  /** Returns an entry, together with what its hidden server is doing. */
  ObjectNode entry(Entry entry) {
    UUID id = entry.id();
    Instant now = clock.instant();
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("uuid", id.toString());
    ArrayNode labels = json.putArray("labels");
    entry.labels().forEach(labels::add);
    json.put("digits", entry.totp().digits());
    json.put("created", entry.created().orElse(null));
    Entry.FLAGS.forEach(flag -> json.put(flag, entry.flags().contains(flag)));
    json.put("relay", entry.relay().map(RelayMode::toString).orElse(null));
    json.put("hasPassword", entry.hasPassword());
    json.put("previousUntil", text(entry.previousUntil().filter(now::isBefore)));
    json.put("url", provisioner.url(entry));
    addActivity(json, id, now);
    return json;
  }

  private void addActivity(ObjectNode json, UUID id, Instant now) {
    Presence.Counts counts = presence.counts(id);
    json.put("online", counts.isOnline())
        .put("parked", counts.parked())
        .put("active", counts.paired())
        .put("waiting", counts.waiting());
    json.put("lastSeen", text(counts.isOnline() ? Optional.of(now) : activity.lastSeen(id)));
    Optional<ActivityLog.End> end = activity.lastEnd(id);
    if (end.isPresent()) {
      json.putObject("lastEnd")
          .put("why", end.get().why())
          .put("time", text(Optional.of(end.get().time())));
    } else {
      json.putNull("lastEnd");
    }
    addLastRefusal(json, id);
    addTotals(json.putObject("today"), activity.today(id));
    ArrayNode hour = json.putArray("hour");
    for (int minute : activity.hour(id)) {
      hour.add(minute);
    }
  }

  private void addLastRefusal(ObjectNode json, UUID id) {
    Optional<LastRefusals.Dated> last = activity.lastRefusal(id);
    if (last.isEmpty()) {
      json.putNull("lastRefusal");
      return;
    }
    Refusal refusal = last.get().refusal();
    json.putObject("lastRefusal")
        .put("time", text(Optional.of(last.get().time())))
        .put("status", refusal.status())
        .put("reason", refusal.reason())
        .put("source", refusal.from().getAddress().getHostAddress());
  }

  /** Adds the totals of a day to an object. */
  static void addTotals(ObjectNode json, ActivityLog.Totals totals) {
    json.put("rendezvous", totals.rendezvous())
        .put("octetsIn", totals.bytesIn())
        .put("octetsOut", totals.bytesOut());
  }

  /** Returns the latest rendezvous, the newest first. May block, to read the labels. */
  ObjectNode rendezvous() {
    try {
      index.all();
    } catch (IOException e) {
      LOG.debug("The labels of rendezvous could not be read: {}", FailureText.of(e));
    }
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ArrayNode array = json.putArray("rendezvous");
    activity.recent().forEach(rendezvous -> array.add(rendezvous(rendezvous)));
    return json;
  }

  /** Returns one rendezvous. Its state is the word of the access log for how it ended. */
  ObjectNode rendezvous(Rendezvous rendezvous) {
    Optional<String> label =
        index.known(rendezvous.id()).flatMap(entry -> entry.labels().stream().findFirst());
    String state = rendezvous.ended().map(AccessLog::word).orElse("going on");
    return JsonNodeFactory.instance
        .objectNode()
        .put("number", rendezvous.number())
        .put("uuid", rendezvous.id().toString())
        .put("label", label.orElse(null))
        .put("client", rendezvous.client().getAddress().getHostAddress())
        .put("began", text(Optional.of(rendezvous.began())))
        .put("waitedMs", rendezvous.waited().toMillis())
        .put("attempt", rendezvous.attempt())
        .put("lastedMs", rendezvous.lasted().toMillis())
        .put("octetsIn", rendezvous.bytesIn())
        .put("octetsOut", rendezvous.bytesOut())
        .put("state", state);
  }

  /** Returns a time in ISO 8601, to the millisecond. */
  private static @Nullable String text(Optional<Instant> time) {
    return time.map(t -> t.truncatedTo(ChronoUnit.MILLIS).toString()).orElse(null);
  }
}
