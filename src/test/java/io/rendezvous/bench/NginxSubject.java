package io.rendezvous.bench;

import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Program;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;

/** nginx as a relay from TLS to TLS (its stream module); the server is the bench's own socket. */
final class NginxSubject extends Subject {
  private final Program program;
  private final SSLServerSocket server;
  private final int port;

  NginxSubject(Path directory) throws IOException {
    super("nginx stream");
    server =
        (SSLServerSocket)
            Keys.server()
                .context()
                .getServerSocketFactory()
                .createServerSocket(0, 1000, InetAddress.getByName("127.0.0.1"));
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    Path file = directory.resolve("nginx.conf");
    Files.writeString(file, configuration());
    program =
        Program.start(
            directory,
            "taskset",
            "-c",
            "0",
            "nginx",
            "-p",
            directory.toString(),
            "-c",
            "nginx.conf");
    Awaitility.await()
        .ignoreExceptions()
        .until(
            () -> {
              client().close();
              server.accept().close();
              return true;
            });
  }

  private String configuration() {
    return """
        daemon off;
        worker_processes 1;
        pid nginx.pid;
        error_log stderr error;
        load_module /usr/lib/nginx/modules/ngx_stream_module.so;
        events { worker_connections 20000; }
        stream {
          server {
            listen 127.0.0.1:%d ssl;
            ssl_certificate %s/registrar.crt;
            ssl_certificate_key %s/registrar.key;
            ssl_protocols TLSv1.3;
            ssl_session_tickets on;
            proxy_pass 127.0.0.1:%d;
            proxy_ssl on;
            proxy_ssl_protocols TLSv1.3;
            proxy_buffer_size 64k;
            tcp_nodelay on;
          }
        }
        """
        .formatted(port, Keys.directory(), Keys.directory(), server.getLocalPort());
  }

  @Override
  Program program() {
    return program;
  }

  private SSLSocket client() throws IOException {
    SSLSocket socket = (SSLSocket) Keys.trust().getSocketFactory().createSocket("127.0.0.1", port);
    socket.setTcpNoDelay(true);
    socket.startHandshake();
    return socket;
  }

  @Override
  Pair join() throws IOException {
    SSLSocket client = client();
    SSLSocket accepted = (SSLSocket) server.accept();
    accepted.setTcpNoDelay(true);
    accepted.startHandshake();
    return new Pair(client, accepted);
  }

  @Override
  public void close() throws IOException {
    server.close();
    super.close();
  }
}
