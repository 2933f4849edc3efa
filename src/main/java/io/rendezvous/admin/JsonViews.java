package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.Provisioner;
import io.rendezvous.telemetry.ActivityLog;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.Rendezvous;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What the API shows of entries and rendezvous, as JSON. No secret is in it. Any thread may ask.
 */
final class JsonViews {
  private final EntryIndex index;
  private final Presence tunnels;
  private final ActivityLog ledger;
  private final Provisioner provisioner;
  private final InstantSource clock;

  JsonViews(
      EntryIndex index,
      Presence tunnels,
      ActivityLog ledger,
      Provisioner provisioner,
      InstantSource clock) {
    this.index = index;
    this.tunnels = tunnels;
    this.ledger = ledger;
    this.provisioner = provisioner;
    this.clock = clock;
  }

  /** Returns an entry and what its hidden server does. */
  ObjectNode entry(Entry entry) {
    UUID id = entry.id();
    Instant now = clock.instant();
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("uuid", id.toString());
    ArrayNode labels = json.putArray("labels");
    entry.labels().forEach(labels::add);
    json.put("digits", entry.totp().digits());
    json.put("created", entry.created().orElse(null));
    Entry.FLAGS.forEach(flag -> json.put(flag, entry.flags().contains(flag)));
    json.put("previousUntil", text(entry.previousUntil().filter(now::isBefore)));
    json.put("url", provisioner.url(id));
    Presence.Counts counts = tunnels.counts(id);
    json.put("online", counts.isOnline())
        .put("parked", counts.parked())
        .put("active", counts.paired())
        .put("waiting", counts.waiting());
    json.put("lastSeen", text(counts.isOnline() ? Optional.of(now) : ledger.lastSeen(id)));
    Optional<ActivityLog.End> end = ledger.lastEnd(id);
    if (end.isPresent()) {
      json.putObject("lastEnd")
          .put("why", end.get().why())
          .put("time", text(Optional.of(end.get().time())));
    } else {
      json.putNull("lastEnd");
    }
    totals(json.putObject("today"), ledger.today(id));
    ArrayNode hour = json.putArray("hour");
    for (int minute : ledger.hour(id)) {
      hour.add(minute);
    }
    return json;
  }

  /** Adds what a day has brought. */
  static void totals(ObjectNode json, ActivityLog.Totals totals) {
    json.put("rendezvous", totals.rendezvous())
        .put("octetsIn", totals.octetsIn())
        .put("octetsOut", totals.octetsOut());
  }

  /** Returns a rendezvous that goes on or is over. */
  ObjectNode rendezvous(Rendezvous rendezvous) {
    Optional<String> label =
        index.known(rendezvous.id()).flatMap(entry -> entry.labels().stream().findFirst());
    String state =
        rendezvous.goesOn() ? "going on" : rendezvous.wasAnswered() ? "over" : "unanswered";
    return JsonNodeFactory.instance
        .objectNode()
        .put("number", rendezvous.number())
        .put("uuid", rendezvous.id().toString())
        .put("label", label.orElse(null))
        .put("client", rendezvous.client().getAddress().getHostAddress())
        .put("began", text(Optional.of(rendezvous.began())))
        .put("waitedMs", millis(rendezvous.waited()))
        .put("attempt", rendezvous.attempt())
        .put("lastedMs", millis(rendezvous.lasted()))
        .put("octetsIn", rendezvous.bytesIn())
        .put("octetsOut", rendezvous.bytesOut())
        .put("state", state);
  }

  private static long millis(Duration time) {
    return time.toMillis();
  }

  /** Returns a time as it is told, to the millisecond. */
  static @Nullable String text(Optional<Instant> time) {
    return time.map(t -> t.truncatedTo(ChronoUnit.MILLIS).toString()).orElse(null);
  }
}
