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
 * Where a server listens.
 *
 * @param host its name or address; an IPv6 address without brackets
 * @param port its port
 */
public record Address(String host, int port) {
  private static final int HIGHEST_PORT = 65535;

  /**
   * Creates one.
   *
   * @throws IllegalArgumentException if the host is empty, or there is no such port
   */
  public Address {
    if (host.isEmpty() || port < 1 || port > HIGHEST_PORT) {
      throw new IllegalArgumentException("not a host and a port: \"" + host + "\", " + port);
    }
  }

  /**
   * Reads {@code HOST:PORT}, or a URL of such.
   *
   * @param scheme the scheme that a URL has to have
   * @throws IllegalArgumentException if it is neither
   */
  public static Address parse(String text, String scheme) {
    try {
      URI uri = new URI(text.contains("://") ? text : scheme + "://" + text);
      String path = uri.getPath();
      boolean plain = (path.isEmpty() || path.equals("/")) && uri.getUserInfo() == null;
      boolean port = uri.getPort() > 0 && uri.getPort() <= HIGHEST_PORT;
      if (scheme.equals(uri.getScheme()) && uri.getHost() != null && port && plain) {
        return new Address(uri.getHost().replaceAll("[\\[\\]]", ""), uri.getPort());
      }
    } catch (URISyntaxException e) {
      // said below
    }
    throw new IllegalArgumentException("not HOST:PORT or " + scheme + "://HOST:PORT: " + text);
  }

  /** Returns the address of a socket. */
  public static Address of(InetSocketAddress socket) {
    return new Address(socket.getAddress().getHostAddress(), socket.getPort());
  }

  /**
   * Returns what opens connections to it.
   *
   * @param trust the certificates it is trusted by, or null for plain TCP
   */
  Dialer dialer(Network network, @Nullable TrustedCertificates trust) {
    return network.dialer(
        host, port, trust == null ? null : Tls.connecting(network, trust, host, port));
  }

  @Override
  public String toString() {
    return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
  }
}
