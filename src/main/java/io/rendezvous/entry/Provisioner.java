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

/** Tells hidden servers and clients how to reach this broker. Any thread may call. */
public final class Provisioner {
  private static final long LOOK_UP_EVERY = Duration.ofMinutes(1).toNanos();

  private final Settings settings;
  private final Optional<ServerCertificate> keys;
  private final IntSupplier port;

  // Guarded by this.
  private boolean lookedUp;
  private long lookedUpAt;
  private boolean loopback;

  /**
   * Creates one.
   *
   * @param keys what TLS shows; empty for plain HTTP
   * @param port where the broker listens
   */
  public Provisioner(Settings settings, Optional<ServerCertificate> keys, IntSupplier port) {
    this.settings = settings;
    this.keys = keys;
    this.port = port;
  }

  /** Returns the name that others know the broker by. */
  public String publicHost() {
    List<String> names = keys.map(ServerCertificate::names).orElse(List.of());
    return settings
        .publicHost()
        .orElseGet(
            () ->
                names.stream()
                    .filter(name -> !name.startsWith("*"))
                    .findFirst()
                    .orElse(settings.host()));
  }

  /** Returns whether that name means another machine on each machine. May block, once a minute. */
  public synchronized boolean isLoopback() {
    long now = System.nanoTime();
    if (lookedUp && now - lookedUpAt < LOOK_UP_EVERY) {
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

  /** Returns the broker's URL, without a slash at its end. */
  public String url() {
    return url("");
  }

  /** Returns the URL by which clients reach a hidden server without being challenged. */
  public String url(UUID id) {
    return url(id + ":x@") + "/";
  }

  private String url(String user) {
    String scheme = settings.tls().enabled() ? "https://" : "http://";
    String host = publicHost();
    return scheme + user + (host.contains(":") ? "[" + host + "]" : host) + ":" + port.getAsInt();
  }

  /**
   * Returns what a hidden server is handed. May block.
   *
   * @param alwaysCa whether the authority is named even if it is well known
   */
  public Provisioning of(Entry entry, boolean alwaysCa) throws IOException {
    Optional<String> ca = Optional.empty();
    if (settings.tls().enabled()) {
      CertificateAuthority maker =
          new CertificateAuthority(settings.tls().certificate(), settings.tls().key());
      boolean own = maker.isOfOurMaking();
      if (own || alwaysCa) {
        ca = Optional.of(Files.readString(own ? maker.authority() : settings.tls().certificate()));
      }
    }
    Provisioning made =
        new Provisioning(
            entry.id(), entry.labels(), entry.totp(), publicHost(), port.getAsInt(), ca);
    return settings.taas().enabled()
        ? made.issuedBy("https://" + settings.taas().host().orElseThrow() + ":" + port.getAsInt())
        : made;
  }
}
