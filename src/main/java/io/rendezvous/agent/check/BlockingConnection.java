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

/** A blocking connection to the broker, for checks. */
final class BlockingConnection implements Closeable {
  private static final int PATIENCE = 10_000;
  private static final Duration TIME_FOR_HEAD = Duration.ofSeconds(30);
  private static final int MAX_HEAD = 64 * 1024;
  private static final int MAX_BODY = 4096;

  /** What comes where nothing need come. */
  enum Heard {
    NOTHING,
    OCTETS,
    END
  }

  private final Socket raw;
  private final Socket socket;

  private BlockingConnection(Socket raw, Socket socket) {
    this.raw = raw;
    this.socket = socket;
  }

  static BlockingConnection plain(Address address) throws IOException {
    Socket raw = connected(address);
    return new BlockingConnection(raw, raw);
  }

  /** Connects and shakes hands, as an agent does. */
  static BlockingConnection tls(Address address, TrustedCertificates trust) throws IOException {
    Socket raw = connected(address);
    try {
      SSLSocket ssl =
          (SSLSocket)
              trust
                  .context()
                  .getSocketFactory()
                  .createSocket(raw, address.host(), address.port(), true);
      SSLParameters parameters = ssl.getSSLParameters();
      parameters.setApplicationProtocols(new String[] {"http/1.1"});
      if (trust.verifies()) {
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
    socket.setSoTimeout(PATIENCE);
    try {
      socket.connect(new InetSocketAddress(address.host(), address.port()), PATIENCE);
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

  /** Reads a head, and no octet behind it. */
  byte[] readHead() throws IOException {
    return readHead(new byte[0]);
  }

  private byte[] readHead(byte[] begun) throws IOException {
    HeadReader reader = new HeadReader(MAX_HEAD);
    HeadReader.Progress progress = reader.read(ByteBuffer.wrap(begun));
    long until = System.nanoTime() + TIME_FOR_HEAD.toNanos();
    while (progress == HeadReader.Progress.MORE) {
      int octet = readOctet();
      if (octet < 0 && reader.isEmpty()) {
        throw new EOFException("the connection was closed without an answer");
      }
      if (octet < 0 || System.nanoTime() - until > 0) {
        throw new ProtocolException("a head was begun and not ended");
      }
      progress = reader.read(ByteBuffer.wrap(new byte[] {(byte) octet}));
    }
    if (progress == HeadReader.Progress.TOO_LONG) {
      throw new ProtocolException("a head of more than " + MAX_HEAD + " octets");
    }
    if (progress == HeadReader.Progress.MALFORMED) {
      throw new ProtocolException("not HTTP, or a line that does not end in CR LF");
    }
    return reader.head();
  }

  private int readOctet() throws IOException {
    try {
      return in().read();
    } catch (SocketTimeoutException e) {
      throw new SocketTimeoutException("nothing came for " + PATIENCE / 1000 + " s");
    }
  }

  /** Reads the head of a request, and drops a PROXY header before it. */
  String readRequest() throws IOException {
    ByteBuffer begun = ByteBuffer.allocate(MAX_BODY).limit(0);
    do {
      int octet = in().read();
      if (octet < 0) {
        throw new IOException("the tunnel was closed without a request");
      }
      begun.limit(begun.limit() + 1).put(begun.limit() - 1, (byte) octet);
    } while (ProxyHeader.mayBegin(begun) && ProxyHeader.take(begun).isEmpty());
    byte[] rest = new byte[begun.remaining()];
    begun.get(rest);
    return new String(readHead(rest), StandardCharsets.ISO_8859_1);
  }

  String read(int octets) throws IOException {
    return new String(in().readNBytes(octets), StandardCharsets.ISO_8859_1);
  }

  /** Reads what is left, within reason. */
  ByteBuffer readAll() throws IOException {
    return ByteBuffer.wrap(in().readNBytes(MAX_BODY));
  }

  void shutdownOutput() throws IOException {
    socket.shutdownOutput();
  }

  void expectEnd() throws IOException {
    try {
      if (in().read() >= 0) {
        throw new IOException("octets came where the end was due");
      }
    } catch (SocketTimeoutException e) {
      throw new IOException("the end of one direction was not passed on", e);
    }
  }

  /** Waits for what comes, for so long. An octet that comes is lost. */
  Heard listen(Duration time) throws IOException {
    socket.setSoTimeout((int) time.toMillis());
    try {
      return in().read() < 0 ? Heard.END : Heard.OCTETS;
    } catch (SocketTimeoutException e) {
      return Heard.NOTHING;
    } finally {
      socket.setSoTimeout(PATIENCE);
    }
  }

  /** Returns whether the other side ends or breaks the connection within that time. */
  boolean endsWithin(Duration time) {
    try {
      return listen(time) != Heard.NOTHING;
    } catch (IOException e) {
      return true;
    }
  }

  /** Leaves with a TCP reset. */
  void reset() throws IOException {
    raw.setSoLinger(true, 0);
    raw.close();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      // It is of no use any more.
    }
  }

  @Override
  public String toString() {
    return socket.getInetAddress().getHostAddress() + " port " + socket.getPort();
  }
}
