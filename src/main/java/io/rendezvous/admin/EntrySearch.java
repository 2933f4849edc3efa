package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.telemetry.ActivityLog;
import io.rendezvous.tunnel.Presence;
import io.undertow.server.HttpServerExchange;
import java.io.IOException;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;

/**
 * The list of entries: searched, sorted and divided into pages. Requests are answered on worker
 * threads.
 */
final class EntrySearch {
  /** The query parameters. */
  static final Set<String> PARAMETERS = Set.of("search", "sort", "order", "page", "size");

  private static final int DEFAULT_SIZE = 50;
  private static final int MAX_SIZE = 500;

  private final EntryIndex index;
  private final Presence presence;
  private final ActivityLog activity;
  private final JsonViews views;

  EntrySearch(AdminServer.BrokerParts parts, JsonViews views) {
    this.index = parts.index();
    this.presence = parts.presence();
    this.activity = parts.activity();
    this.views = views;
  }

  /** Sends the page of entries that the query of a request describes. */
  void answer(HttpServerExchange exchange, byte[] body) throws ApiException, IOException {
    Map<String, Deque<String>> query = exchange.getQueryParameters();
    String search = parameter(query, "search", "").toLowerCase(Locale.ROOT).strip();
    int size = number(query, "size", DEFAULT_SIZE, MAX_SIZE);
    int page = number(query, "page", 1, Integer.MAX_VALUE / MAX_SIZE);
    Comparator<Entry> order = order(parameter(query, "sort", "label"));
    switch (parameter(query, "order", "asc")) {
      case "asc" -> {}
      case "desc" -> order = order.reversed();
      default -> throw EntryRequest.invalid("\"order\" must be asc or desc");
    }
    Collection<Entry> all = index.all().values();
    List<Entry> matching =
        all.stream()
            .filter(entry -> matches(entry, search))
            .sorted(order.thenComparing(Entry::id))
            .toList();
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ArrayNode entries = json.putArray("entries");
    matching.stream()
        .skip((page - 1L) * size)
        .limit(size)
        .forEach(entry -> entries.add(views.entry(entry)));
    json.put("page", page).put("size", size).put("total", matching.size());
    ApiHandler.send(exchange, ApiHandler.JSON, json.toString());
  }

  private static String parameter(
      Map<String, Deque<String>> query, String name, String defaultValue) {
    Deque<String> values = query.get(name);
    return values == null || values.isEmpty() || values.getFirst().isEmpty()
        ? defaultValue
        : values.getFirst();
  }

  private static int number(
      Map<String, Deque<String>> query, String name, int defaultValue, int max)
      throws ApiException {
    String text = parameter(query, name, Integer.toString(defaultValue));
    try {
      int number = Integer.parseInt(text);
      if (number >= 1 && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Refused below.
    }
    throw EntryRequest.invalid("\"" + name + "\" must be a number from 1 to " + max);
  }

  private static boolean matches(Entry entry, String search) {
    return search.isEmpty()
        || entry.id().toString().contains(search)
        || entry.labels().stream().anyMatch(label -> label.contains(search));
  }

  /** Returns an ascending order. Entries without the property that they are sorted by come last. */
  private Comparator<Entry> order(String by) throws ApiException {
    Map<UUID, Presence.Counts> counts = presence.counts();
    return switch (by) {
      case "label" -> byText(entry -> entry.labels().stream().findFirst());
      case "created" -> byText(Entry::created);
      case "uuid" -> Comparator.comparing(entry -> entry.id().toString());
      case "online" -> byNumber(e -> count(counts, e).isOnline() ? 1L : 0L);
      case "parked" -> byNumber(e -> (long) count(counts, e).parked());
      case "active" -> byNumber(e -> (long) count(counts, e).paired());
      case "waiting" -> byNumber(e -> (long) count(counts, e).waiting());
      case "rendezvous" -> byNumber(e -> activity.today(e.id()).rendezvous());
      case "octets" -> byNumber(e -> bytes(activity.today(e.id())));
      case "lastSeen" -> byNumber(e -> lastSeen(counts, e));
      default ->
          throw EntryRequest.invalid(
              "\"sort\" must be one of label, uuid, online, parked, active, waiting, rendezvous,"
                  + " octets, lastSeen, created");
    };
  }

  private static Comparator<Entry> byText(Function<Entry, Optional<String>> text) {
    return Comparator.comparing(entry -> text.apply(entry).orElse("\uffff"));
  }

  /** Reads each number once, because it may change while the entries are being sorted. */
  private static Comparator<Entry> byNumber(Function<Entry, Long> number) {
    Map<UUID, Long> numbers = new HashMap<>();
    return Comparator.comparingLong(
        entry -> numbers.computeIfAbsent(entry.id(), id -> number.apply(entry)));
  }

  private static Presence.Counts count(Map<UUID, Presence.Counts> counts, Entry entry) {
    return counts.getOrDefault(entry.id(), Presence.Counts.NONE);
  }

  private static long bytes(ActivityLog.Totals totals) {
    return totals.bytesIn() + totals.bytesOut();
  }

  /** Returns a time in milliseconds: the far future for a hidden server that is online. */
  private long lastSeen(Map<UUID, Presence.Counts> counts, Entry entry) {
    return count(counts, entry).isOnline()
        ? Long.MAX_VALUE
        : activity.lastSeen(entry.id()).map(Instant::toEpochMilli).orElse(Long.MIN_VALUE);
  }
}
