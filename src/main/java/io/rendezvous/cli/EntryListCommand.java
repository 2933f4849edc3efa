package io.rendezvous.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lists the entries. */
@Command(name = "list", description = "List the entries, without their secrets.")
final class EntryListCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private InstallationOptions options;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    Installation installation = options.existing();
    installation.checkFiles();
    List<EntryAdmin.Line> entries;
    try (EntryAdmin all = EntryAdmin.of(installation)) {
      entries = new ArrayList<>(all.list());
    }
    entries.sort(Comparator.comparing(e -> e.id().toString()));
    PrintWriter out = spec.commandLine().getOut();
    if (entries.isEmpty()) {
      spec.commandLine().getErr().println("There are no entries in " + installation.storeName());
    }
    if (json) {
      out.println(toJson(entries));
    } else {
      entries.forEach(e -> out.println((e.id() + " " + String.join(" ", e.labels())).strip()));
    }
    return 0;
  }

  private static String toJson(List<EntryAdmin.Line> entries) {
    ArrayNode array = new ObjectMapper().createArrayNode();
    for (EntryAdmin.Line entry : entries) {
      ObjectNode object = array.addObject().put("uuid", entry.id().toString());
      ArrayNode labels = object.putArray("labels");
      entry.labels().forEach(labels::add);
      entry.created().ifPresent(created -> object.put("created", created));
    }
    return array.toPrettyString();
  }
}
