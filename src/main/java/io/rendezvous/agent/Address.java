package io.rendezvous.agent;

import io.rendezvous.net.Dialer;
import io.rendezvous.net.Network;
import io.rendezvous.tls.Tls;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * The host and port of a server. A name is resolved each time a connection is opened.
 *
 * @param host a name, or an address; an IPv6 address stands without brackets
 * @param port a port from 1 to 65535
 */
public record Address(String host, int port) {
  private static final int MAX_PORT = 65535;

  /**
   * Creates an address.
   *
   * @throws IllegalArgumentException if the host is empty, or the port out of range
   */
  public Address {
    if (host.isEmpty() || port < 1 || port > MAX_PORT) {
      throw new IllegalArgumentException("not a host and a port: \"" + host + "\", " + port);
    }
  }

  /**
   * Parses {@code HOST:PORT} or a URL {@code SCHEME://HOST:PORT} without a path.
   *
   * @param scheme the only scheme that a URL may have
   * @throws IllegalArgumentException if the text is neither
   */
  public static Address parse(String text, String scheme) {
    try {
      URI uri = new URI(text.contains("://") ? text : scheme + "://" + text);
      String path = uri.getPath();
      boolean plain = (path.isEmpty() || path.equals("/")) && uri.getUserInfo() == null;
      boolean port = uri.getPort() > 0 && uri.getPort() <= MAX_PORT;
      if (scheme.equals(uri.getScheme()) && uri.getHost() != null && port && plain) {
        return new Address(uri.getHost().replaceAll("[\\[\\]]", ""), uri.getPort());
      }
    } catch (URISyntaxException e) {
      // The exception below says so.
    }
    throw new IllegalArgumentException("not HOST:PORT or " + scheme + "://HOST:PORT: " + text);
  }

  /** Returns the address of a socket. */
  public static Address of(InetSocketAddress socket) {
    return new Address(socket.getAddress().getHostAddress(), socket.getPort());
  }

  /**
   * Returns a dialer that opens connections to this address.
   *
   * @param trusted the certificates that the server's is verified with, or null for plain TCP
   */
  Dialer dialer(Network network, @Nullable TrustedCertificates trusted) {
    return network.dialer(
        host, port, trusted == null ? null : Tls.connecting(network, trusted, host, port));
  }

  /** Returns {@code HOST:PORT}, with brackets around an IPv6 address. */
  @Override
  public String toString() {
    return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
  }
}
