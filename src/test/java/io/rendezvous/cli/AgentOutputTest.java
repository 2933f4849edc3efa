package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.agent.Event;
import io.rendezvous.agent.Status;
import io.rendezvous.entry.Provisioning;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class AgentOutputTest {
  private static final String ESCAPE = "\u001b]0;title\u0007";

  private final StringWriter out = new StringWriter();

  private void print(AgentOutput.Form form, int events, String text) {
    try (AgentOutput output = new AgentOutput(form, new PrintWriter(out), Map::of)) {
      for (int i = 0; i < events; i++) {
        output.event("home", new Event(Instant.EPOCH, Event.Kind.LOST, text));
      }
      output.start();
    }
  }

  @Test
  void eventsThatAreNotShownAreCountedInJsonToo() {
    print(AgentOutput.Form.JSON, 1005, "lost");
    assertThat(out.toString().lines())
        .hasSize(1000)
        .first()
        .asString()
        .contains("\"event\":\"lost\"")
        .contains("\"dropped\":5");
    assertThat(out.toString().lines().filter(line -> line.contains("dropped"))).hasSize(1);
  }

  @Test
  void tableHasTimesInUtcLikeTheEvents() {
    Event lost = new Event(Instant.EPOCH.plusMillis(1500), Event.Kind.LOST, "gone");
    Status status =
        new Status(
            0, 8, 0, new Status.Traffic(0, 0, 0), Optional.of(lost), Optional.<Duration>empty());
    StatusTable table = new StatusTable(new PrintWriter(out));
    table.draw(Map.of("home", status));
    assertThat(out.toString()).contains("last trouble, 1970-01-01T00:00:01Z, home: gone");
  }

  @Test
  void whatATerminalWouldObeyIsNotPrinted() throws Exception {
    Provisioning entry =
        Provisioning.parse(
            """
            {"uuid":"2f402f80-da50-11e1-9b23-0123456789ab","labels":["a\\u001b[2Jb"],
             "base32":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}
            """);
    assertThat(EntryFiles.nameOf(entry)).isEqualTo("a [2Jb");
    print(AgentOutput.Form.LINES, 1, "lost" + ESCAPE);
    assertThat(out.toString()).isEqualTo("1970-01-01T00:00:00Z home: lost ]0;title \n");
  }
}
