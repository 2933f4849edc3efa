package io.rendezvous.bench;

import io.rendezvous.testing.Directories;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Program;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLSocket;

/**
 * Measures the processor time of the broker per unit of work, and of nginx for the same work, in
 * turn. The subject runs on one processor, this program on another. Arguments: the jar, and one
 * Java home or more.
 */
public final class Bench {
  private static final int ROUNDS = 3;
  private static final int MIB = 1024 * 1024;
  private static final int CONNECTIONS = 32;
  private static final int REQUESTS = 400;
  private static final int JOINS = 500;
  private static final int PARKED = 2000;

  /** Some work, done through a subject; returns how many units it was. */
  private interface Work {
    double through(Subject subject) throws Exception;
  }

  private record Line(String what, Work work) {}

  private static final List<Line> LINES =
      List.of(
          new Line("CPU s per GiB down, 1 connection", subject -> bulk(subject, true)),
          new Line("CPU s per GiB up, 1 connection", subject -> bulk(subject, false)),
          new Line("CPU s per 1000 requests, 32 connections", Bench::requests),
          new Line("CPU ms per rendezvous (all handshakes)", Bench::joins));

  private Bench() {}

  /** Runs the bench. */
  public static void main(String[] args) throws Exception {
    Path jar = Path.of(args[0]).toAbsolutePath();
    List<Subject> subjects = new ArrayList<>();
    List<Path> directories = new ArrayList<>();
    try {
      for (String home : Arrays.copyOfRange(args, 1, args.length)) {
        Path java = Path.of(home, "bin", "java");
        Path directory = directory(directories);
        subjects.add(new RendezvousSubject(version(java, directory), java, jar, directory));
      }
      subjects.add(new NginxSubject(directory(directories)));
      compare(subjects);
      for (Subject subject : subjects) {
        if (subject instanceof RendezvousSubject ours) {
          parked(ours);
        }
      }
    } finally {
      for (Subject subject : subjects) {
        subject.close();
      }
      for (Path directory : directories) {
        Directories.delete(directory);
      }
    }
  }

  private static Path directory(List<Path> directories) throws IOException {
    Path directory = Files.createTempDirectory("rendezvous-bench");
    directories.add(directory);
    return directory;
  }

  private static String version(Path java, Path directory) throws Exception {
    String output = Program.start(directory, java.toString(), "-version").outputWhenDone();
    return "rendezvous, Java " + output.replaceAll("(?s).*?\"(.*?)\".*", "$1");
  }

  private static void compare(List<Subject> subjects) throws Exception {
    say("%-42s %-28s %9s %9s %9s", "", "", "min", "median", "max");
    for (Line line : LINES) {
      Map<Subject, double[]> figures = new LinkedHashMap<>();
      for (int round = -1; round < ROUNDS; round++) { // the first one warms up
        for (Subject subject : subjects) {
          double before = subject.cpu();
          double units = line.work().through(subject);
          double figure = (subject.cpu() - before) / units;
          if (round >= 0) {
            figures.computeIfAbsent(subject, s -> new double[ROUNDS])[round] = figure;
          }
        }
      }
      figures.forEach((subject, all) -> print(line.what(), subject.name(), all));
    }
  }

  private static void print(String what, String name, double[] figures) {
    Arrays.sort(figures);
    say(
        "%-42s %-28s %9.3f %9.3f %9.3f",
        what, name, figures[0], figures[figures.length / 2], figures[figures.length - 1]);
  }

  private static void say(String format, Object... arguments) {
    System.out.println(String.format(Locale.ROOT, format, arguments));
  }

  private static double bulk(Subject subject, boolean down) throws Exception {
    long count = 1024L * MIB;
    try (Subject.Pair pair = subject.join()) {
      OutputStream out = (down ? pair.server() : pair.client()).getOutputStream();
      InputStream in = (down ? pair.client() : pair.server()).getInputStream();
      CompletableFuture<Boolean> sent =
          Octets.beside(
              () -> {
                byte[] buffer = new byte[64 * 1024];
                for (long left = count; left > 0; left -= buffer.length) {
                  out.write(buffer);
                }
                return true;
              });
      byte[] buffer = new byte[64 * 1024];
      for (long left = count; left > 0; ) {
        left -= in.read(buffer);
      }
      sent.get();
    }
    return count / (1024.0 * MIB);
  }

  private static double requests(Subject subject) throws Exception {
    List<CompletableFuture<Boolean>> all = new ArrayList<>();
    for (int i = 0; i < CONNECTIONS; i++) {
      Subject.Pair pair = subject.join();
      all.add(Octets.beside(() -> serve(pair.server())));
      all.add(
          Octets.beside(
              () -> {
                try (pair) {
                  return ask(pair.client());
                }
              }));
    }
    for (CompletableFuture<Boolean> one : all) {
      one.get();
    }
    return CONNECTIONS * REQUESTS / 1000.0;
  }

  /** Requests of 200 octets and answers of 1 KiB. */
  private static boolean ask(SSLSocket client) throws IOException {
    byte[] request = new byte[200];
    byte[] answer = new byte[1024];
    DataInputStream in = new DataInputStream(client.getInputStream());
    for (int i = 0; i < REQUESTS; i++) {
      client.getOutputStream().write(request);
      in.readFully(answer);
    }
    return true;
  }

  private static boolean serve(SSLSocket server) throws IOException {
    byte[] request = new byte[200];
    byte[] answer = new byte[1024];
    DataInputStream in = new DataInputStream(server.getInputStream());
    for (int i = 0; i < REQUESTS; i++) {
      in.readFully(request);
      server.getOutputStream().write(answer);
    }
    return true;
  }

  /** A rendezvous is two new connections, joined, and an octet each way. */
  private static double joins(Subject subject) throws Exception {
    for (int i = 0; i < JOINS; i++) {
      try (Subject.Pair pair = subject.join()) {
        pair.client().getOutputStream().write(1);
        pair.server().getInputStream().read();
        pair.server().getOutputStream().write(2);
        pair.client().getInputStream().read();
      }
    }
    return JOINS / 1000.0;
  }

  /** What parked tunnels cost: heap, resident memory, and processor time while nothing happens. */
  private static void parked(RendezvousSubject subject) throws Exception {
    long heapBefore = heap(subject);
    long residentBefore = subject.resident();
    List<SSLSocket> tunnels = new ArrayList<>();
    for (int i = 0; i < PARKED; i++) {
      tunnels.add(subject.park());
    }
    long heap = heap(subject) - heapBefore;
    long resident = subject.resident() - residentBefore;
    double cpuBefore = subject.cpu();
    Thread.sleep(20_000);
    double idle = (subject.cpu() - cpuBefore) / 20;
    say("%-42s %-28s %9d octets", "heap per parked tunnel, of 2000", subject.name(), heap / PARKED);
    say(
        "%-42s %-28s %9d octets",
        "resident outside the heap per parked tunnel", subject.name(), resident * 1024 / PARKED);
    say("%-42s %-28s %9.2f %%", "processor while they are idle", subject.name(), idle * 100);
    for (SSLSocket tunnel : tunnels) {
      tunnel.close();
    }
  }

  /** Returns the octets of live objects. The heap is touched as a whole at the start. */
  private static long heap(Subject subject) throws Exception {
    String pid = Long.toString(subject.program().pid());
    String histogram = Program.start(Path.of("."), "jmap", "-histo:live", pid).outputWhenDone();
    String total = histogram.lines().filter(l -> l.startsWith("Total")).findFirst().orElseThrow();
    return Long.parseLong(total.strip().split("\\s+", -1)[2]);
  }
}
