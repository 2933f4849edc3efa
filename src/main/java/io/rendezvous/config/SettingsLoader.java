package io.rendezvous.config;

import static io.rendezvous.config.Settings.AdminSettings.NO_TOKEN;

import io.smallrye.config.ConfigMappings;
import io.smallrye.config.ConfigMappings.ConfigClass;
import io.smallrye.config.ConfigValidationException;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.Reader;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.eclipse.microprofile.config.spi.Converter;

/**
 * Reads the settings: a properties file, over it the environment ({@code RENDEZVOUS_ADMIN_PORT}),
 * over that system properties. Every mistake is named, in a line of its own.
 */
public final class SettingsLoader {
  static final String PREFIX = "rendezvous";

  private static final String ENVIRONMENT_PREFIX = "RENDEZVOUS_";
  private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");

  private static final int MIN_TOKEN = 16;

  /** All settings there are, by their names. */
  static final Set<String> KEYS =
      Set.copyOf(ConfigMappings.getProperties(ConfigClass.configClass(Settings.class)).keySet());

  private static final Map<String, String> BY_ENVIRONMENT =
      KEYS.stream()
          .collect(
              Collectors.toMap(
                  key -> key.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9]", "_"), key -> key));

  private static final Pattern CONVERSION =
      Pattern.compile(
          ".*The config property (?<key>\\S+) with the config value \"(?<value>.*?)\" threw an"
              + " Exception whilst being converted (SRCFG\\d+: )?(?<why>.*?)(, got .*)?",
          Pattern.DOTALL);

  private static final Pattern REALM = Pattern.compile("[ !#-\\[\\]-~]+");
  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9._-]+|\\[?[0-9A-Fa-f:.]+]?");
  private static final Pattern DOMAIN =
      Pattern.compile("(?i)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)*[a-z0-9-]{1,63}");
  private static final Pattern IPV4 = Pattern.compile("(\\d{1,3}\\.){3}\\d{1,3}");
  private static final Pattern STORE = Pattern.compile("(file:|rediss?://).+");

  /** What Kubernetes puts into the environment of pods beside a service of our name. */
  private static final Pattern KUBERNETES_NAME =
      Pattern.compile("RENDEZVOUS_(\\w+_)?(SERVICE_HOST|SERVICE_PORT(_\\w+)?|PORT_\\d+_\\w+)");

  private static final Pattern KUBERNETES_VALUE = Pattern.compile("(tcp|udp|sctp)://.*");

  private SettingsLoader() {}

  /**
   * Reads the settings of this process.
   *
   * @param file the properties file
   * @throws SettingsException if anything is wrong with them
   */
  public static Settings load(Path file) throws SettingsException {
    return load(properties(file), System.getenv(), System.getProperties());
  }

  /** Reads the settings of this process without a file. */
  public static Settings load() throws SettingsException {
    return load(new Properties(), System.getenv(), System.getProperties());
  }

  /** Reads given settings, and nothing from outside. */
  public static Settings load(Map<String, String> given) throws SettingsException {
    Properties properties = new Properties();
    properties.putAll(given);
    return load(properties, Map.of(), new Properties());
  }

  private static Properties properties(Path file) throws SettingsException {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      properties.load(reader);
      return properties;
    } catch (NoSuchFileException e) {
      throw new SettingsException(List.of("there is no file " + file));
    } catch (IOException | IllegalArgumentException e) {
      throw new SettingsException(List.of("cannot read " + file + ": " + e));
    }
  }

  static Settings load(Properties file, Map<String, String> environment, Properties system)
      throws SettingsException {
    List<String> mistakes = new ArrayList<>();
    Map<String, String> given = new TreeMap<>();
    given.putAll(ours(file, mistakes));
    given.putAll(ours(environment, mistakes));
    given.putAll(ours(system, mistakes));
    Settings settings;
    try {
      settings = mapped(given);
    } catch (ConfigValidationException e) {
      dropMisshapen(e, given, mistakes);
      settings = mapped(given);
    }
    mistakes.addAll(mistakes(settings));
    if (mistakes.isEmpty()) {
      return settings;
    }
    throw new SettingsException(mistakes.stream().sorted().toList());
  }

  private static Settings mapped(Map<String, String> given) {
    return new SmallRyeConfigBuilder()
        .withSources(new PropertiesConfigSource(given, "given", 100))
        .withMapping(Settings.class)
        .withConverter(Duration.class, 200, new DurationConverter())
        .withConverter(Boolean.class, 200, new BooleanConverter())
        .build()
        .getConfigMapping(Settings.class);
  }

  /** Takes out what has not the form it should have, so that the rest can be looked at too. */
  private static void dropMisshapen(
      ConfigValidationException e, Map<String, String> given, List<String> mistakes) {
    for (int i = 0; i < e.getProblemCount(); i++) {
      String problem = e.getProblem(i).getMessage();
      Matcher matcher = CONVERSION.matcher(problem);
      if (!matcher.matches() || given.remove(matcher.group("key")) == null) {
        throw e; // a mistake in Settings rather than in settings
      }
      // Without the codes of the library. Only numbers, durations and the like are quoted in these.
      mistakes.add(
          matcher.group("key") + ": " + matcher.group("why") + ": " + matcher.group("value"));
    }
  }

  /** An empty value is as good as none, so that the keys of the example can stand empty. */
  private static Map<String, String> ours(Properties properties, List<String> mistakes) {
    Map<String, String> ours = new HashMap<>();
    for (String name : properties.stringPropertyNames()) {
      String value = properties.getProperty(name).strip();
      if (!name.startsWith(PREFIX + ".")) {
        continue;
      }
      if (!KEYS.contains(name)) {
        mistakes.add(name + ": there is no such setting");
      } else if (!value.isEmpty()) {
        ours.put(name, value);
      }
    }
    return ours;
  }

  private static Map<String, String> ours(Map<String, String> environment, List<String> mistakes) {
    Map<String, String> ours = new HashMap<>();
    environment.forEach(
        (name, value) -> {
          if (!name.startsWith(ENVIRONMENT_PREFIX)
              || KUBERNETES_NAME.matcher(name).matches()
              || KUBERNETES_VALUE.matcher(value).matches()) {
            return;
          }
          String key = BY_ENVIRONMENT.get(name);
          if (key == null) {
            mistakes.add(name + ": there is no such setting");
          } else if (!value.isBlank()) {
            ours.put(key, value.strip());
          }
        });
    return ours;
  }

  /** What the types alone do not tell. */
  private static List<String> mistakes(Settings settings) {
    Mistakes mistakes = new Mistakes();
    mistakes.port("port", settings.port());
    mistakes.port("admin.port", settings.admin().port());
    mistakes.port("registrar.port", settings.registrar().port());
    mistakes.port("registrar.tcp-port", settings.registrar().tcpPort());
    mistakes.address("host", settings.host());
    mistakes.address("admin.host", settings.admin().host());
    if (!settings.publicHost().map(h -> HOST.matcher(h).matches()).orElse(true)) {
      mistakes.add("public-host", "is not the name or the address of a machine");
    }
    mistakes.positive("wait", settings.patience());
    mistakes.positive("linger", settings.linger());
    mistakes.positive("stall", settings.stall());
    mistakes.positive("tunnel-age", settings.tunnelAge());
    mistakes.atLeast("tunnels-per-id", settings.tunnelsPerId(), 1);
    mistakes.atLeast("guesses.per-source", settings.guesses().perSource(), 1);
    mistakes.atLeast("guesses.per-uuid", settings.guesses().perUuid(), 1);
    mistakes.atLeast("limits.connections", settings.limits().connections(), 0);
    mistakes.atLeast("limits.per-source", settings.limits().perSource(), 1);
    mistakes.atLeast("limits.parked", settings.limits().parked(), 0);
    mistakes.atLeast("limits.waiting-per-id", settings.limits().waitingPerId(), 0);
    if (!REALM.matcher(settings.realm()).matches()) {
      mistakes.add("realm", "holds more than plain text without quotes and backslashes");
    }
    if (!STORE.matcher(settings.store().location()).matches()) {
      mistakes.add("store", "does not begin with file:, redis:// or rediss://");
    }
    if (!settings.tls().enabled() && !isLoopback(settings.host())) {
      mistakes.add("tls.enabled", "can be false on a loopback address only; see rendezvous.host");
    }
    boolean adminIsLoopback = isLoopback(settings.admin().host());
    if (settings.admin().enabled() && !settings.tls().enabled() && !adminIsLoopback) {
      mistakes.add("admin.host", "can be another than a loopback address only with TLS");
    }
    boolean none = settings.admin().token().filter(NO_TOKEN::equals).isPresent();
    if (none && !adminIsLoopback) {
      mistakes.add("admin.token", "can be none on a loopback address only; see admin.host");
    }
    if (!none && settings.admin().token().map(t -> t.length() < MIN_TOKEN).orElse(false)) {
      mistakes.add("admin.token", "has less than " + MIN_TOKEN + " characters");
    }
    hooks(settings.hooks(), mistakes);
    if (settings.registrar().enabled()) {
      registrar(settings, mistakes);
    }
    taas(settings.taas(), settings.domain(), mistakes);
    if (!settings.domain().map(d -> DOMAIN.matcher(d).matches()).orElse(true)) {
      mistakes.add("domain", "is not a domain such as servers.example");
    }
    return mistakes.lines;
  }

  private static void registrar(Settings settings, Mistakes mistakes) {
    int port = settings.registrar().port();
    int tcpPort = settings.registrar().tcpPort();
    mistakes.another("registrar.port", port, "port", settings.port());
    mistakes.another("registrar.tcp-port", tcpPort, "port", settings.port());
    mistakes.another("registrar.tcp-port", tcpPort, "registrar.port", port);
  }

  private static void taas(Settings.TaasSettings taas, Optional<String> domain, Mistakes mistakes) {
    if (PortRange.parse(taas.ports()).isEmpty()) {
      mistakes.add("taas.ports", "is not a range such as 20000-29999");
    }
    if (!taas.host().map(h -> DOMAIN.matcher(h).matches()).orElse(true)) {
      mistakes.add("taas.host", "is not a host name such as taas.example");
    }
    if (!taas.address().map(a -> IPV4.matcher(a).matches()).orElse(true)) {
      mistakes.add("taas.address", "is not an address such as 192.0.2.1");
    }
    if (taas.enabled() && taas.host().isEmpty()) {
      mistakes.add("taas.host", "is missing; see rendezvous.taas.enabled");
    }
    if (taas.enabled() && domain.isEmpty()) {
      mistakes.add("domain", "is missing; see rendezvous.taas.enabled");
    }
  }

  /** The values are not quoted: the one is secret, and the other may hold what is. */
  private static void hooks(Settings.HookSettings hooks, Mistakes mistakes) {
    hooks
        .url()
        .flatMap(SettingsLoader::mistakeInUrl)
        .ifPresent(mistake -> mistakes.add("hooks.url", mistake));
    if (!hooks.secret().map(SettingsLoader::isSigningSecret).orElse(true)) {
      mistakes.add("hooks.secret", "is not whsec_ and 24 to 64 octets in base64");
    } else if (hooks.url().isPresent() && hooks.secret().isEmpty()) {
      mistakes.add("hooks.secret", "is missing; see rendezvous.hooks.url");
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
    if (url.getPort() > 65_535) {
      return Optional.of("has no port from 1 to 65535");
    }
    if (url.getRawUserInfo() != null || url.getRawFragment() != null) {
      return Optional.of("holds a user name or a fragment");
    }
    return secure || isLoopback(url.getHost())
        ? Optional.empty()
        : Optional.of("can be http on a loopback address only; https is for others");
  }

  private static boolean isSigningSecret(String text) {
    try {
      int octets = Base64.getDecoder().decode(text.replaceFirst("^whsec_", "")).length;
      return text.startsWith("whsec_") && octets >= 24 && octets <= 64;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }

  private static final class Mistakes {
    final List<String> lines = new ArrayList<>();

    void add(String key, String mistake) {
      lines.add(PREFIX + "." + key + ": " + mistake);
    }

    void port(String key, int value) {
      if (value < 0 || value > 65_535) {
        add(key, "is not a port: " + value);
      }
    }

    void another(String key, int port, String otherKey, int other) {
      if (port == other && port != 0) {
        add(key, "is the same as " + PREFIX + "." + otherKey + ": " + port);
      }
    }

    void address(String key, String host) {
      try {
        InetAddress.getByName(host);
      } catch (UnknownHostException e) {
        add(key, "no address is known for it here: " + host);
      }
    }

    void positive(String key, Duration value) {
      if (value.isZero()) {
        add(key, "is zero");
      }
    }

    void atLeast(String key, int value, int least) {
      if (value < least) {
        add(key, "is less than " + least + ": " + value);
      }
    }
  }

  /** The library takes anything but yes for no, and a slip of the pen would be no TLS. */
  static final class BooleanConverter implements Converter<Boolean> {
    private static final long serialVersionUID = 1L;

    @Override
    public Boolean convert(String text) {
      return switch (text) {
        case "true" -> true;
        case "false" -> false;
        default -> throw new IllegalArgumentException("neither true nor false");
      };
    }
  }

  /** Durations such as {@code 5s}, {@code 2m}, {@code 1h}. */
  static final class DurationConverter implements Converter<Duration> {
    private static final long serialVersionUID = 1L;

    @Override
    public Duration convert(String text) {
      Matcher matcher = DURATION.matcher(text);
      if (!matcher.matches()) {
        throw new IllegalArgumentException("not a duration such as 5s, 2m or 1h");
      }
      long count = Long.parseLong(matcher.group(1));
      return switch (matcher.group(2)) {
        case "ms" -> Duration.ofMillis(count);
        case "s" -> Duration.ofSeconds(count);
        case "m" -> Duration.ofMinutes(count);
        case "h" -> Duration.ofHours(count);
        default -> Duration.ofDays(count);
      };
    }
  }
}
