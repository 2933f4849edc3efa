package io.rendezvous.testing;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/** A blocking socket, with or without TLS, that does as a test says. */
public final class Peer implements Closeable {
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  /** Not ended yet. One that nothing refers to is closed by the JVM, when it collects garbage. */
  private static final Set<Peer> OPEN = ConcurrentHashMap.newKeySet();

  private final Socket raw;
  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;

  private Peer(Socket raw, Socket socket) throws IOException {
    this.raw = raw;
    this.socket = socket;
    socket.setSoTimeout((int) PATIENCE.toMillis());
    this.in = socket.getInputStream();
    this.out = socket.getOutputStream();
    OPEN.add(this);
  }

  /** How a peer connects. */
  public static final class Dial {
    private final int port;
    private String from = "127.0.0.1";
    private String[] protocols = {};
    private String name = "";
    private int buffer;

    private Dial(int port) {
      this.port = port;
    }

    /** Sets the address that it comes from, such as 127.0.0.7. */
    public Dial from(String address) {
      from = address;
      return this;
    }

    /** Sets the versions of TLS that it speaks. */
    public Dial speaking(String... versions) {
      protocols = versions;
      return this;
    }

    /** Sets the server's name that it asks for by TLS (SNI). */
    public Dial named(String server) {
      name = server;
      return this;
    }

    /** Sets how many octets its socket buffers. */
    public Dial buffering(int octets) {
      buffer = octets;
      return this;
    }

    /** Connects without TLS. */
    public Peer plain() throws IOException {
      Socket raw = raw();
      return new Peer(raw, raw);
    }

    /** Connects with TLS, and shakes hands. */
    public Peer tls(SSLContext trust) throws IOException {
      Socket raw = raw();
      SSLSocket ssl =
          (SSLSocket) trust.getSocketFactory().createSocket(raw, "localhost", port, true);
      if (protocols.length > 0) {
        ssl.setEnabledProtocols(protocols);
      }
      if (!name.isEmpty()) {
        SSLParameters parameters = ssl.getSSLParameters();
        parameters.setServerNames(List.of(new SNIHostName(name)));
        ssl.setSSLParameters(parameters);
      }
      ssl.startHandshake();
      return new Peer(raw, ssl);
    }

    private Socket raw() throws IOException {
      Socket raw = new Socket();
      raw.setTcpNoDelay(true);
      if (buffer > 0) {
        raw.setReceiveBufferSize(buffer);
        raw.setSendBufferSize(buffer);
      }
      raw.bind(new InetSocketAddress(from, 0));
      raw.connect(new InetSocketAddress("127.0.0.1", port));
      return raw;
    }
  }

  /** Begins to say how to connect to a port of this machine. */
  public static Dial to(int port) {
    return new Dial(port);
  }

  /** Makes a peer of a socket that was accepted. */
  public static Peer of(Socket accepted) throws IOException {
    return new Peer(accepted, accepted);
  }

  /** Makes a peer of a socket that was accepted, and is to speak TLS as a server. */
  public static Peer of(Socket accepted, SSLContext keys) throws IOException {
    return serve(accepted, keys);
  }

  private static Peer serve(Socket under, SSLContext keys) throws IOException {
    SSLSocket ssl = (SSLSocket) keys.getSocketFactory().createSocket(under, null, true);
    ssl.setUseClientMode(false);
    ssl.startHandshake();
    return new Peer(under, ssl);
  }

  /** Goes on as a server of TLS, from now on, and shakes hands. */
  public Peer serveTls(SSLContext keys) throws IOException {
    return serve(raw, keys);
  }

  /** Returns the address and port at this end. */
  public InetSocketAddress local() {
    return (InetSocketAddress) raw.getLocalSocketAddress();
  }

  /** Sends text, a char an octet. */
  public Peer send(String text) throws IOException {
    return send(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Sends octets. */
  public Peer send(byte[] octets) throws IOException {
    out.write(octets);
    out.flush();
    return this;
  }

  /** Sends octets below TLS, where they are a part of a record. */
  public Peer sendBelowTls(byte[] octets) throws IOException {
    raw.getOutputStream().write(octets);
    return this;
  }

  /** Returns the stream to write to. */
  public OutputStream out() {
    return out;
  }

  /** Returns the stream to read from. */
  public InputStream in() {
    return in;
  }

  /** Reads up to and with the empty line that ends a head. */
  public String readHead() throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
      int octet = in.read();
      if (octet < 0) {
        throw new IOException("ended within a head: " + head);
      }
      head.write(octet);
    }
    return head.toString(StandardCharsets.ISO_8859_1);
  }

  /** Reads so many octets. */
  public String read(int octets) throws IOException {
    byte[] read = in.readNBytes(octets);
    if (read.length < octets) {
      throw new IOException("ended after " + read.length + " of " + octets + " octets");
    }
    return new String(read, StandardCharsets.ISO_8859_1);
  }

  /** Reads a response with a Content-Length: its head and its body. */
  public String readResponse() throws IOException {
    String head = readHead();
    return head + readBody(head);
  }

  /** Reads the body that belongs to a head, if that has a Content-Length. */
  public String readBody(String head) throws IOException {
    int length =
        head.lines()
            .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("content-length:"))
            .map(line -> Integer.parseInt(line.substring(line.indexOf(':') + 1).strip()))
            .findFirst()
            .orElse(0);
    return read(length);
  }

  /** Reads until the end. */
  public String readAll() throws IOException {
    return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
  }

  /** Says that it sends nothing more, and goes on reading. */
  public Peer shutdownOutput() throws IOException {
    socket.shutdownOutput();
    return this;
  }

  /** Ends what it sends by TCP, without a word of TLS, and goes on reading. */
  public Peer shutdownTcpOutput() throws IOException {
    raw.shutdownOutput();
    return this;
  }

  /** Changes the keys of TLS 1.3, and has the other side change its own. */
  public void updateKeys() throws IOException {
    ((SSLSocket) socket).startHandshake();
  }

  /** Returns whether for a moment there is nothing to read, not even the end. */
  public boolean hearsNothing() throws IOException {
    int before = socket.getSoTimeout();
    socket.setSoTimeout(200);
    try {
      return in.read() == -2;
    } catch (SocketTimeoutException e) {
      return true;
    } finally {
      socket.setSoTimeout(before);
    }
  }

  /** Returns whether octets have come, of TLS or not, that nobody has begun to read. */
  public boolean hasUnread() throws IOException {
    return raw.getInputStream().available() > 0;
  }

  /** Sets how long a read waits. */
  public Peer patience(Duration time) throws IOException {
    socket.setSoTimeout((int) time.toMillis());
    return this;
  }

  /** Ends with a TCP reset. */
  public void reset() throws IOException {
    raw.setSoLinger(true, 0);
    cut();
  }

  /** Ends the TCP connection in order, but without a word of TLS. */
  public void cut() throws IOException {
    raw.close();
    OPEN.remove(this);
  }

  /** Ends it in order, without waiting for the other side as an SSLSocket would. */
  public void end() throws IOException {
    try {
      if (!socket.isClosed() && !socket.isOutputShutdown()) {
        socket.shutdownOutput();
      }
    } catch (IOException e) {
      // It has ended already.
    } finally {
      cut();
    }
  }

  @Override
  public void close() throws IOException {
    end();
  }
}
