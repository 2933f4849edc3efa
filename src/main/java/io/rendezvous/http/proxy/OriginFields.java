package io.rendezvous.http.proxy;

import io.rendezvous.http.HeadEditor;
import java.net.InetAddress;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The header lines that say where a request comes from (RFC 7239, and the older X-Forwarded lines).
 * Those of the client are removed, since it could say anything. Names are compared with {@code _}
 * read as {@code -}, as servers do that make variables of them.
 */
final class OriginFields {
  private static final String X_FORWARDED = "x-forwarded";
  private static final Set<String> OTHERS =
      Set.of(
          "forwarded",
          "forwarded-for",
          "x-real-ip",
          "x-client-ip",
          "x-cluster-client-ip",
          "x-original-forwarded-for",
          "x-original-host",
          "x-envoy-external-address",
          "x-azure-clientip",
          "x-azure-socketip",
          "true-client-ip",
          "client-ip",
          "cf-connecting-ip",
          "cf-connecting-ipv6",
          "fastly-client-ip",
          "fly-client-ip",
          "proxy-client-ip",
          "wl-proxy-client-ip");
  private static final String HTTPS_PORT = "443";

  private OriginFields() {}

  /** Removes those of the client. */
  static void remove(HeadEditor editor) {
    editor.removeIf(
        field -> {
          String name = field.name().toLowerCase(Locale.ROOT).replace('_', '-');
          return name.startsWith(X_FORWARDED) || OTHERS.contains(name);
        });
  }

  /**
   * Adds those of this proxy.
   *
   * @param client the address of the client, or of the broker if it does not tell the client's
   * @param host the Host that the client sent, with its port
   */
  static void add(HeadEditor editor, InetAddress client, Optional<String> host) {
    String address = client.getHostAddress();
    String node = address.indexOf(':') < 0 ? address : "[" + address + "]";
    editor.add(
        "Forwarded",
        "for=\"" + node + "\";proto=https" + host.map(name -> ";host=\"" + name + "\"").orElse(""));
    editor.add("X-Forwarded-For", address);
    editor.add("X-Forwarded-Proto", "https");
    host.ifPresent(
        name -> {
          editor.add("X-Forwarded-Host", name);
          editor.add("X-Forwarded-Port", port(name));
        });
  }

  private static String port(String host) {
    int colon = host.lastIndexOf(':');
    boolean any = colon > host.lastIndexOf(']') && colon < host.length() - 1;
    return any ? host.substring(colon + 1) : HTTPS_PORT;
  }
}
