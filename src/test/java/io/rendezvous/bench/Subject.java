package io.rendezvous.bench;

import io.rendezvous.testing.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;

/** What is measured: a process, or a few, that joins connections in pairs. */
abstract class Subject implements AutoCloseable {
  private static final double TICKS_PER_SECOND = 100;

  /** A client's connection and the server's, joined by the subject. */
  record Pair(SSLSocket client, SSLSocket server) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      client.close();
      server.close();
    }
  }

  private final String name;

  Subject(String name) {
    this.name = name;
  }

  String name() {
    return name;
  }

  /** Returns the process that does the work, or its parent. */
  abstract Program program();

  /** Joins two new connections. */
  abstract Pair join() throws IOException;

  /** Returns the processor time that it has used so far, in seconds. */
  double cpu() throws IOException {
    double ticks = 0;
    for (long pid : pids()) {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      ticks += Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
    }
    return ticks / TICKS_PER_SECOND;
  }

  /** Returns the memory that it has resident, in KiB. */
  long resident() throws IOException {
    long sum = 0;
    for (long pid : pids()) {
      try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/status"))) {
        sum +=
            lines
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .sum();
      }
    }
    return sum;
  }

  private List<Long> pids() {
    List<Long> pids = new ArrayList<>();
    pids.add(program().pid());
    ProcessHandle.of(program().pid())
        .ifPresent(handle -> handle.descendants().forEach(child -> pids.add(child.pid())));
    return pids;
  }

  @Override
  public void close() throws IOException {
    program().close();
  }
}
