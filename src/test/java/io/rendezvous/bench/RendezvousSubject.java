package io.rendezvous.bench;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.entry.Totp;
import io.rendezvous.net.Trust;
import io.rendezvous.testing.Program;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/** Our broker; hidden servers and clients are the bench's own sockets. */
final class RendezvousSubject extends Subject {
  private final Program program;
  private final Provisioning entry;
  private final SSLContext trust;
  private final int port;

  RendezvousSubject(String name, Path java, Path jar, Path directory) throws Exception {
    super(name);
    List<String> settings =
        List.of(
            "-Drendezvous.host=127.0.0.1",
            "-Drendezvous.port=0",
            "-Drendezvous.tunnels-per-id=100000",
            "-Drendezvous.limits.per-source=100000",
            "-Drendezvous.tunnel-age=1d");
    String json =
        Program.start(directory, command(java, jar, settings, "entry", "create", "--json"))
            .outputWhenDone();
    entry = Provisioning.parse(json.substring(json.indexOf('{')));
    trust = Trust.in(entry.ca()).context();
    program = Program.start(directory, command(java, jar, settings, "serve"));
    port = Integer.parseInt(program.await("Listening on https://127\\.0\\.0\\.1:(\\d+)"));
  }

  private static String[] command(Path java, Path jar, List<String> settings, String... words) {
    List<String> command =
        new ArrayList<>(List.of("taskset", "-c", "0", java.toString(), "-Xms256m", "-Xmx256m"));
    command.add("-XX:+UseSerialGC");
    command.add("-XX:+AlwaysPreTouch");
    command.addAll(settings);
    command.addAll(List.of("-jar", jar.toString()));
    command.addAll(List.of(words));
    return command.toArray(String[]::new);
  }

  @Override
  Program program() {
    return program;
  }

  @Override
  Pair join() throws IOException {
    SSLSocket server = park();
    SSLSocket client = connect();
    send(
        client,
        "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Digest username=\""
            + entry.id()
            + "\"\r\n\r\n");
    readHead(server);
    return new Pair(client, server);
  }

  /** Parks a tunnel. */
  SSLSocket park() throws IOException {
    SSLSocket server = connect();
    Totp totp = entry.totp();
    String token = totp.token(totp.stepAt(Instant.now().getEpochSecond()), totp.digits());
    send(server, "CONNECT uuid:" + entry.id() + "?response=" + token + " HTTP/1.1\r\n\r\n");
    if (!readHead(server).startsWith("HTTP/1.1 200 ")) {
      throw new IOException("a tunnel was refused");
    }
    return server;
  }

  private SSLSocket connect() throws IOException {
    SSLSocket socket = (SSLSocket) trust.getSocketFactory().createSocket("127.0.0.1", port);
    socket.setTcpNoDelay(true);
    return socket;
  }

  private static void send(SSLSocket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static String readHead(SSLSocket socket) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.length() < 4 || !head.substring(head.length() - 4).equals("\r\n\r\n")) {
      int octet = socket.getInputStream().read();
      if (octet < 0) {
        throw new IOException("ended within a head: " + head);
      }
      head.append((char) octet);
    }
    return head.toString();
  }
}
