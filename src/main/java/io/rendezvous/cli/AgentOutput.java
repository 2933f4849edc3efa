package io.rendezvous.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.agent.Event;
import io.rendezvous.agent.Status;
import io.rendezvous.telemetry.BoundedWriter;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Prints the events of an agent, and regularly the status of its hidden servers. Events come from
 * I/O threads, which must not wait for the reader of the output; so one thread prints, and events
 * that exceed its queue are dropped and counted.
 */
final class AgentOutput implements AutoCloseable, BoundedWriter.Reader<AgentOutput.Line> {
  private static final int MAX_EVENTS = 1000;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The format of the output. */
  enum Form {
    /** One line for each event. */
    LINES(Duration.ofMinutes(1)),
    /** One JSON object a line: one for each event, and one a minute for each hidden server. */
    JSON(Duration.ofMinutes(1)),
    /** Lines, and below them a table that is redrawn each second. */
    TERMINAL(Duration.ofSeconds(1));

    private final Duration statusEvery;

    Form(Duration statusEvery) {
      this.statusEvery = statusEvery;
    }
  }

  /** An event of one entry. */
  record Line(String entry, Event event) {}

  private final Form form;
  private final PrintWriter out;
  private final Supplier<Map<String, Status>> statuses;
  private final BoundedWriter<Line> lines;

  // Used by the printing thread.
  private final StatusTable table;
  private long reportedDropped;

  /**
   * Creates an output, which prints nothing before {@link #start}.
   *
   * @param statuses returns the status of each hidden server by name; any thread may call it
   */
  AgentOutput(Form form, PrintWriter out, Supplier<Map<String, Status>> statuses) {
    this.form = form;
    this.out = out;
    this.statuses = statuses;
    this.table = new StatusTable(out);
    this.lines = new BoundedWriter<>("agent-output", MAX_EVENTS, form.statusEvery, this);
  }

  void start() {
    lines.start();
  }

  /** Prints an event soon. Any thread may call. */
  void event(String entry, Event event) {
    lines.offer(new Line(entry, event));
  }

  @Override
  public void read(Line line) {
    table.erase();
    long dropped = lines.dropped();
    long missing = dropped - reportedDropped;
    if (missing > 0 && form != Form.JSON) {
      out.println(missing + " events were dropped: they came too fast");
    }
    reportedDropped = dropped;
    Event event = line.event();
    String time = event.time().truncatedTo(ChronoUnit.SECONDS).toString();
    if (form == Form.JSON) {
      ObjectNode object = object(time, line.entry(), nameOf(event.kind()));
      object.put("text", event.text());
      if (missing > 0) {
        object.put("dropped", missing);
      }
      out.println(object);
    } else {
      String prefix = line.entry().isEmpty() ? "" : line.entry() + ": ";
      out.println(time + " " + prefix + event.text());
    }
    if (lines.isEmpty()) {
      if (form == Form.TERMINAL) {
        table.draw(statuses.get());
      }
      out.flush();
    }
  }

  private static String nameOf(Event.Kind kind) {
    return kind.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static ObjectNode object(String time, String entry, String event) {
    return JSON.createObjectNode().put("time", time).put("entry", entry).put("event", event);
  }

  @Override
  public void pulse() {
    if (form == Form.TERMINAL) {
      table.erase();
      table.draw(statuses.get());
    } else if (form == Form.JSON) {
      String time = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
      statuses.get().forEach((name, status) -> out.println(json(time, name, status)));
    }
    out.flush();
  }

  private static ObjectNode json(String time, String name, Status status) {
    ObjectNode object = object(time, name, "status");
    describe(object, status);
    return object;
  }

  /** Adds the status of a hidden server to a JSON object. */
  static void describe(ObjectNode object, Status status) {
    object
        .put("online", status.isOnline())
        .put("parked", status.parked())
        .put("wanted", status.wanted())
        .put("active", status.active())
        .put("requests", status.traffic().requests())
        .put("octetsIn", status.traffic().bytesIn())
        .put("octetsOut", status.traffic().bytesOut());
    status.clockBehind().ifPresent(behind -> object.put("clockBehind", behind.toSeconds()));
    status
        .lastTrouble()
        .ifPresent(
            trouble ->
                object
                    .put("lastTrouble", trouble.text())
                    .put("lastTroubleTime", trouble.time().toString()));
  }

  @Override
  public void end() {
    table.erase();
    out.flush();
  }

  /** Prints what is left, and ends. */
  @Override
  public void close() {
    lines.close();
  }
}
