package io.rendezvous.entry;

import io.rendezvous.config.Settings;
import io.rendezvous.tls.keys.CertificateAuthority;
import io.rendezvous.tls.keys.ServerCertificate;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.IntSupplier;

/**
 * Creates provisioning files and URLs, which tell hidden servers and clients how to reach this
 * broker. Any thread may call.
 */
public final class Provisioner {
  private static final int HTTP = 80;
  private static final int HTTPS = 443;
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
    return url("", publicHost());
  }

  /**
   * Returns the URL of a hidden server for browsers: LABEL.DOMAIN if the broker has a domain and
   * the hidden server a label. The UUID is the user name, unless the host name suffices. If clients
   * need a password, the URL has none, and the browser asks for it.
   */
  public String url(Entry entry) {
    Optional<String> named =
        settings
            .domain()
            .flatMap(
                domain ->
                    entry.labels().stream()
                        .findFirst()
                        .map(label -> Label.nameOf(label) + "." + domain));
    String user = entry.hasPassword() ? entry.id() + "@" : entry.id() + ":x@";
    boolean suffices = named.isPresent() && !entry.isChallenged() && !entry.hasPassword();
    return url(suffices ? "" : user, named.orElseGet(this::publicHost)) + "/";
  }

  private String url(String user, String host) {
    String scheme = settings.tls().enabled() ? "https://" : "http://";
    int number = port.getAsInt();
    boolean isDefault = number == (settings.tls().enabled() ? HTTPS : HTTP);
    return scheme
        + user
        + (host.contains(":") ? "[" + host + "]" : host)
        + (isDefault ? "" : ":" + number);
  }

  /** Returns the certificate of the broker's own authority, if that issued its certificate. */
  public Optional<Path> ownAuthority() {
    return Optional.of(new CertificateAuthority(settings.tls().certificate(), settings.tls().key()))
        .filter(authority -> settings.tls().enabled() && authority.isIssuer())
        .map(CertificateAuthority::authority);
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
