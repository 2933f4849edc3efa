package io.rendezvous.entry;

import io.rendezvous.config.Settings;
import io.rendezvous.tls.keys.CertificateAuthority;
import io.rendezvous.tls.keys.ServerCertificate;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.IntSupplier;

/**
 * Creates provisioning files and URLs, which tell hidden servers and clients how to reach this
 * broker. Any thread may call.
 */
public final class Provisioner {
  private static final long LOOKUP_INTERVAL = Duration.ofMinutes(1).toNanos();

  private final Settings settings;
  private final Optional<ServerCertificate> certificate;
  private final IntSupplier port;

  // Guarded by this.
  private boolean lookedUp;
  private long lookedUpAt;
  private boolean loopback;

  /**
   * Creates a provisioner.
   *
   * @param certificate the broker's certificate; empty for plain HTTP
   * @param port returns the port that the broker listens on
   */
  public Provisioner(Settings settings, Optional<ServerCertificate> certificate, IntSupplier port) {
    this.settings = settings;
    this.certificate = certificate;
    this.port = port;
  }

  /**
   * Returns the host name under which others reach the broker: the setting, else the first name of
   * the certificate that is not a wildcard, else the address that the broker listens on.
   */
  public String publicHost() {
    List<String> names = certificate.map(ServerCertificate::names).orElse(List.of());
    return settings
        .publicHost()
        .orElseGet(
            () ->
                names.stream()
                    .filter(name -> !name.startsWith("*"))
                    .findFirst()
                    .orElse(settings.host()));
  }

  /**
   * Returns whether the public host name leads to a loopback address, so that it is of no use on
   * other machines. May block for a lookup, once a minute.
   */
  public synchronized boolean isLoopback() {
    long now = System.nanoTime();
    if (lookedUp && now - lookedUpAt < LOOKUP_INTERVAL) {
      return loopback;
    }
    try {
      loopback = InetAddress.getByName(publicHost()).isLoopbackAddress();
    } catch (UnknownHostException e) {
      loopback = false;
    }
    lookedUp = true;
    lookedUpAt = System.nanoTime();
    return loopback;
  }

  /** Returns the broker's URL, without a slash at the end. */
  public String url() {
    return url("");
  }

  /** Returns the URL of a hidden server for browsers: its UUID is the user name. */
  public String url(UUID id) {
    return url(id + ":x@") + "/";
  }

  private String url(String user) {
    String scheme = settings.tls().enabled() ? "https://" : "http://";
    String host = publicHost();
    return scheme + user + (host.contains(":") ? "[" + host + "]" : host) + ":" + port.getAsInt();
  }

  /**
   * Returns the provisioning data of a hidden server. May block.
   *
   * @param alwaysCa whether to include the certificate authority even if it is a public one
   */
  public Provisioning of(Entry entry, boolean alwaysCa) throws IOException {
    Optional<String> ca = Optional.empty();
    if (settings.tls().enabled()) {
      CertificateAuthority authority =
          new CertificateAuthority(settings.tls().certificate(), settings.tls().key());
      boolean own = authority.isIssuer();
      if (own || alwaysCa) {
        ca =
            Optional.of(
                Files.readString(own ? authority.authority() : settings.tls().certificate()));
      }
    }
    Provisioning provisioning =
        new Provisioning(
            entry.id(), entry.labels(), entry.totp(), publicHost(), port.getAsInt(), ca);
    return settings.taas().enabled()
        ? provisioning.issuedBy(
            "https://" + settings.taas().host().orElseThrow() + ":" + port.getAsInt())
        : provisioning;
  }
}
