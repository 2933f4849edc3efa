package io.rendezvous.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** A real redis-server on a free port of this machine, which can be stopped and started again. */
public final class RedisServer implements AutoCloseable {
  private final Path directory;
  private final int port;
  private final List<String> options;
  private Process process;

  /**
   * Starts one.
   *
   * @param options further options, such as --requirepass
   */
  public RedisServer(String... options) throws IOException {
    this.directory = Files.createTempDirectory("rendezvous-test-redis");
    this.port = FreePort.find();
    this.options = List.of(options);
    this.process = launch();
    awaitListening();
  }

  /** Returns its port. */
  public int port() {
    return port;
  }

  private Process launch() throws IOException {
    boolean tls = options.contains("--tls-cert-file");
    List<String> command = new ArrayList<>(List.of("redis-server"));
    command.addAll(List.of(tls ? "--tls-port" : "--port", Integer.toString(port)));
    if (tls) {
      command.addAll(List.of("--port", "0", "--tls-auth-clients", "no"));
    }
    command.addAll(List.of("--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"));
    command.addAll(List.of("--appendfsync", "always", "--dir", directory.toString()));
    command.addAll(options);
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(directory.resolve("log").toFile())
        .start();
  }

  private void awaitListening() {
    Awaitility.await()
        .ignoreExceptions()
        .until(
            () -> {
              new Socket("127.0.0.1", port).close();
              return true;
            });
  }

  /**
   * Sends commands over a connection of their own, and returns the last reply as it came (RESP).
   *
   * @throws IOException if a reply is an error
   */
  @SafeVarargs
  public final String ask(List<String>... commands) throws IOException {
    String reply = "";
    try (Peer peer = Peer.to(port).plain()) {
      for (List<String> command : commands) {
        peer.send(encoded(command));
        reply = readReply(peer);
      }
    }
    return reply;
  }

  private static byte[] encoded(List<String> command) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(ascii("*" + command.size() + "\r\n"));
    for (String word : command) {
      byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
      all.writeBytes(ascii("$" + bytes.length + "\r\n"));
      all.writeBytes(bytes);
      all.writeBytes(ascii("\r\n"));
    }
    return all.toByteArray();
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** Reads a reply of one line, which is what the commands of the tests get. */
  private static String readReply(Peer peer) throws IOException {
    StringBuilder line = new StringBuilder();
    while (line.indexOf("\r\n") < 0) {
      line.append(peer.read(1));
    }
    if (line.charAt(0) == '-') {
      throw new IOException(line.toString().strip());
    }
    return line.toString().strip();
  }

  /** Kills it, as a crash would. What it holds is on its disk. */
  public void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Starts it again after {@link #kill}. */
  public void startAgain() throws IOException {
    process = launch();
    awaitListening();
  }

  /** Stops or continues it, so that it hangs with its connections open. */
  public void signal(String name) throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
  }

  @Override
  public void close() throws IOException {
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Directories.delete(directory);
  }
}
