package io.rendezvous.config;

import static io.rendezvous.config.Settings.AdminSettings.NO_TOKEN;

import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Checks what the types of the settings cannot express: ranges, formats and combinations. */
final class SettingsCheck {
  private static final int MAX_PORT = 65_535;
  private static final int MIN_TOKEN = 16;
  private static final Pattern REALM = Pattern.compile("[ !#-\\[\\]-~]+");
  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9._-]+|\\[?[0-9A-Fa-f:.]+]?");
  private static final Pattern DOMAIN =
      Pattern.compile("(?i)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)*[a-z0-9-]{1,63}");
  private static final Pattern IPV4 = Pattern.compile("(\\d{1,3}\\.){3}\\d{1,3}");
  private static final Pattern STORE = Pattern.compile("(file:|rediss?://).+");

  private final Settings settings;
  private final List<String> mistakes = new ArrayList<>();

  private SettingsCheck(Settings settings) {
    this.settings = settings;
  }

  /** Returns the mistakes in the settings, one line each, or an empty list. */
  static List<String> mistakes(Settings settings) {
    SettingsCheck check = new SettingsCheck(settings);
    check.listener();
    check.tunnels();
    check.admin();
    check.hooks();
    check.registrar();
    check.taas();
    return check.mistakes;
  }

  private void listener() {
    port("port", settings.port());
    address("host", settings.host());
    matches("public-host", settings.publicHost(), HOST, "a host name or an IP address");
    matches("domain", settings.domain(), DOMAIN, "a domain such as servers.example");
    if (!settings.tls().enabled() && !isLoopback(settings.host())) {
      add("tls.enabled", "can be false on a loopback address only; see rendezvous.host");
    }
    if (!REALM.matcher(settings.realm()).matches()) {
      add("realm", "contains a quote, a backslash or a character that is not printable ASCII");
    }
  }

  private void tunnels() {
    if (!STORE.matcher(settings.store().location()).matches()) {
      add("store", "does not begin with file:, redis:// or rediss://");
    }
    positive("wait", settings.patience());
    positive("linger", settings.linger());
    positive("stall", settings.stall());
    positive("tunnel-age", settings.tunnelAge());
    atLeast(1, "tunnels-per-id", settings.tunnelsPerId());
    atLeast(1, "guesses.per-source", settings.guesses().perSource());
    atLeast(1, "guesses.per-uuid", settings.guesses().perUuid());
    atLeast(0, "limits.connections", settings.limits().connections());
    atLeast(1, "limits.per-source", settings.limits().perSource());
    atLeast(0, "limits.parked", settings.limits().parked());
    atLeast(0, "limits.waiting-per-id", settings.limits().waitingPerId());
  }

  private void admin() {
    Settings.AdminSettings admin = settings.admin();
    port("admin.port", admin.port());
    address("admin.host", admin.host());
    boolean isLoopback = isLoopback(admin.host());
    if (admin.enabled() && !settings.tls().enabled() && !isLoopback) {
      add("admin.host", "needs TLS unless it is a loopback address; see rendezvous.tls.enabled");
    }
    String token = admin.token().orElse("");
    if (token.equals(NO_TOKEN)) {
      if (!isLoopback) {
        add("admin.token", "can be none on a loopback address only; see rendezvous.admin.host");
      }
    } else if (!token.isEmpty() && token.length() < MIN_TOKEN) {
      add("admin.token", "has fewer than " + MIN_TOKEN + " characters");
    }
  }

  /** The values are not shown: the secret is one, and the URL may contain one. */
  private void hooks() {
    Settings.HookSettings hooks = settings.hooks();
    hooks
        .url()
        .flatMap(SettingsCheck::mistakeInUrl)
        .ifPresent(mistake -> add("hooks.url", mistake));
    if (!hooks.secret().map(SettingsCheck::isSigningKey).orElse(true)) {
      add("hooks.secret", "is not whsec_ followed by 24 to 64 bytes in base64");
    } else if (hooks.url().isPresent() && hooks.secret().isEmpty()) {
      add("hooks.secret", "is missing; see rendezvous.hooks.url");
    }
  }

  private static Optional<String> mistakeInUrl(String text) {
    URI url;
    try {
      url = new URI(text);
    } catch (URISyntaxException e) {
      return Optional.of("is not a URL");
    }
    boolean secure = "https".equalsIgnoreCase(url.getScheme());
    if (!secure && !"http".equalsIgnoreCase(url.getScheme()) || url.getHost() == null) {
      return Optional.of("is not a URL such as https://host/path");
    }
    if (url.getPort() > MAX_PORT) {
      return Optional.of("has a port that is not from 1 to " + MAX_PORT);
    }
    if (url.getRawUserInfo() != null || url.getRawFragment() != null) {
      return Optional.of("contains a user name or a fragment");
    }
    return secure || isLoopback(url.getHost())
        ? Optional.empty()
        : Optional.of("can use http on a loopback address only; use https");
  }

  private static boolean isSigningKey(String text) {
    try {
      int length = Base64.getDecoder().decode(text.replaceFirst("^whsec_", "")).length;
      return text.startsWith("whsec_") && length >= 24 && length <= 64;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private void registrar() {
    int port = settings.registrar().port();
    int tcpPort = settings.registrar().tcpPort();
    port("registrar.port", port);
    port("registrar.tcp-port", tcpPort);
    if (settings.registrar().enabled()) {
      differs("registrar.port", port, "port", settings.port());
      differs("registrar.tcp-port", tcpPort, "port", settings.port());
      differs("registrar.tcp-port", tcpPort, "registrar.port", port);
    }
  }

  private void taas() {
    Settings.TaasSettings taas = settings.taas();
    if (PortRange.parse(taas.ports()).isEmpty()) {
      add("taas.ports", "is not a range such as 20000-29999");
    }
    matches("taas.host", taas.host(), DOMAIN, "a host name such as taas.example");
    matches("taas.address", taas.address(), IPV4, "an IPv4 address such as 192.0.2.1");
    if (taas.enabled() && taas.host().isEmpty()) {
      add("taas.host", "is missing; see rendezvous.taas.enabled");
    }
    if (taas.enabled() && settings.domain().isEmpty()) {
      add("domain", "is missing; see rendezvous.taas.enabled");
    }
  }

  // Checks of one value.

  private void add(String key, String mistake) {
    mistakes.add(SettingsLoader.PREFIX + "." + key + ": " + mistake);
  }

  private void matches(String key, Optional<String> value, Pattern pattern, String expected) {
    if (value.filter(v -> !pattern.matcher(v).matches()).isPresent()) {
      add(key, "is not " + expected);
    }
  }

  private void port(String key, int value) {
    if (value < 0 || value > MAX_PORT) {
      add(key, "is not a port: " + value);
    }
  }

  private void differs(String key, int port, String otherKey, int otherPort) {
    if (port == otherPort && port != 0) {
      add(key, "is the same as " + SettingsLoader.PREFIX + "." + otherKey + ": " + port);
    }
  }

  private void address(String key, String host) {
    try {
      InetAddress.getByName(host);
    } catch (UnknownHostException e) {
      add(key, "cannot be resolved to an address: " + host);
    }
  }

  private void positive(String key, Duration value) {
    if (value.isZero()) {
      add(key, "is zero");
    }
  }

  private void atLeast(int min, String key, int value) {
    if (value < min) {
      add(key, "is less than " + min + ": " + value);
    }
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }
}
