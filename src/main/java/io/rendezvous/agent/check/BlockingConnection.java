package io.rendezvous.agent.check;

import io.rendezvous.agent.Address;
import io.rendezvous.http.HeadReader;
import io.rendezvous.net.ProxyHeader;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.time.Duration;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import jdk.net.ExtendedSocketOptions;

/**
 * A blocking connection to the broker, for checks. Each read waits up to 10 s.
 *
 * <p>Used by one thread at a time, except that one may read while another writes.
 */
final class BlockingConnection implements Closeable {
  private static final int TIMEOUT_MS = 10_000;
  private static final Duration MAX_HEAD_TIME = Duration.ofSeconds(30);
  private static final int MAX_HEAD = 64 * 1024;
  private static final int MAX_BODY = 4096;

  /** What has arrived on a connection that was expected to stay silent. */
  enum Arrived {
    NOTHING,
    BYTES,
    END
  }

  private final Socket raw; // below TLS
  private final Socket socket;

  private BlockingConnection(Socket raw, Socket socket) {
    this.raw = raw;
    this.socket = socket;
  }

  static BlockingConnection plain(Address address) throws IOException {
    Socket raw = connected(address);
    return new BlockingConnection(raw, raw);
  }

  /** Connects over TLS, as an agent does. */
  static BlockingConnection tls(Address address, TrustedCertificates trusted) throws IOException {
    Socket raw = connected(address);
    try {
      SSLSocket ssl =
          (SSLSocket)
              trusted
                  .context()
                  .getSocketFactory()
                  .createSocket(raw, address.host(), address.port(), true);
      SSLParameters parameters = ssl.getSSLParameters();
      parameters.setApplicationProtocols(new String[] {"http/1.1"});
      if (trusted.verifies()) {
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
      }
      ssl.setSSLParameters(parameters);
      ssl.startHandshake();
      return new BlockingConnection(raw, ssl);
    } catch (IOException e) {
      raw.close();
      throw e;
    }
  }

  private static Socket connected(Address address) throws IOException {
    Socket socket = new Socket();
    socket.setTcpNoDelay(true);
    socket.setKeepAlive(true);
    if (socket.supportedOptions().contains(ExtendedSocketOptions.TCP_KEEPIDLE)) {
      socket.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, 10);
    }
    socket.setSoTimeout(TIMEOUT_MS);
    try {
      socket.connect(new InetSocketAddress(address.host(), address.port()), TIMEOUT_MS);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  String protocol() {
    return ((SSLSocket) socket).getSession().getProtocol();
  }

  X509Certificate certificate() throws IOException {
    return (X509Certificate) ((SSLSocket) socket).getSession().getPeerCertificates()[0];
  }

  InputStream in() throws IOException {
    return socket.getInputStream();
  }

  OutputStream out() throws IOException {
    return socket.getOutputStream();
  }

  void send(String text) throws IOException {
    out().write(text.getBytes(StandardCharsets.ISO_8859_1));
    out().flush();
  }

  /** Reads a head, and no byte after it. */
  byte[] readHead() throws IOException {
    return readHead(new byte[0]);
  }

  private byte[] readHead(byte[] begun) throws IOException {
    HeadReader reader = new HeadReader(MAX_HEAD);
    HeadReader.Progress progress = reader.read(ByteBuffer.wrap(begun));
    long end = System.nanoTime() + MAX_HEAD_TIME.toNanos();
    while (progress == HeadReader.Progress.MORE) {
      int next = readByte();
      if (next < 0 && reader.isEmpty()) {
        throw new EOFException("the connection was closed without a response");
      }
      if (next < 0 || System.nanoTime() - end > 0) {
        throw new ProtocolException("a head was begun and not completed");
      }
      progress = reader.read(ByteBuffer.wrap(new byte[] {(byte) next}));
    }
    if (progress == HeadReader.Progress.TOO_LONG) {
      throw new ProtocolException("a head of more than " + MAX_HEAD + " bytes");
    }
    if (progress == HeadReader.Progress.MALFORMED) {
      throw new ProtocolException("not HTTP, or a line that does not end in CR LF");
    }
    return reader.head();
  }

  private int readByte() throws IOException {
    try {
      return in().read();
    } catch (SocketTimeoutException e) {
      throw new SocketTimeoutException("nothing arrived for " + TIMEOUT_MS / 1000 + " s");
    }
  }

  /** Reads the head of a request, without a PROXY header that may precede it. */
  String readRequest() throws IOException {
    ByteBuffer begun = ByteBuffer.allocate(MAX_BODY).limit(0);
    do {
      int next = in().read();
      if (next < 0) {
        throw new IOException("the tunnel was closed without a request");
      }
      begun.limit(begun.limit() + 1).put(begun.limit() - 1, (byte) next);
    } while (ProxyHeader.mayBegin(begun) && ProxyHeader.take(begun).isEmpty());
    byte[] rest = new byte[begun.remaining()];
    begun.get(rest);
    return new String(readHead(rest), StandardCharsets.ISO_8859_1);
  }

  String read(int length) throws IOException {
    return new String(in().readNBytes(length), StandardCharsets.ISO_8859_1);
  }

  /** Reads to the end of the stream, at most 4 KiB. */
  String readAll() throws IOException {
    return new String(in().readNBytes(MAX_BODY), StandardCharsets.UTF_8);
  }

  void shutdownOutput() throws IOException {
    socket.shutdownOutput();
  }

  void expectEnd() throws IOException {
    try {
      if (in().read() >= 0) {
        throw new IOException("bytes arrived where the end was due");
      }
    } catch (SocketTimeoutException e) {
      throw new IOException("the end of one direction was not passed on", e);
    }
  }

  /** Waits for something to arrive, up to that time. A byte that arrives is lost. */
  Arrived await(Duration time) throws IOException {
    socket.setSoTimeout((int) time.toMillis());
    try {
      return in().read() < 0 ? Arrived.END : Arrived.BYTES;
    } catch (SocketTimeoutException e) {
      return Arrived.NOTHING;
    } finally {
      socket.setSoTimeout(TIMEOUT_MS);
    }
  }

  /** Returns whether the other side ends or breaks the connection within that time. */
  boolean endsWithin(Duration time) {
    try {
      return await(time) != Arrived.NOTHING;
    } catch (IOException e) {
      return true;
    }
  }

  /** Closes the connection with a TCP reset. */
  void reset() throws IOException {
    raw.setSoLinger(true, 0);
    raw.close();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      // Nobody uses it any more.
    }
  }

  @Override
  public String toString() {
    return socket.getInetAddress().getHostAddress() + " port " + socket.getPort();
  }
}
