package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.agent.Event;
import io.rendezvous.entry.Provisioning;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.util.Map;
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
