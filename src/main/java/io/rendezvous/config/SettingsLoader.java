package io.rendezvous.config;

import io.smallrye.config.ConfigMappings;
import io.smallrye.config.ConfigMappings.ConfigClass;
import io.smallrye.config.ConfigValidationException;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
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
 * Reads the settings from a properties file, the environment ({@code RENDEZVOUS_ADMIN_PORT}) and
 * system properties. The later of these overrides the earlier. Unknown keys and invalid values are
 * all collected and reported together, one line each.
 */
public final class SettingsLoader {
  static final String PREFIX = "rendezvous";

  private static final Path WORKING_DIRECTORY = Path.of("");
  private static final String ENVIRONMENT_PREFIX = "RENDEZVOUS_";

  /** The keys of all settings. */
  static final Set<String> KEYS =
      Set.copyOf(ConfigMappings.getProperties(ConfigClass.configClass(Settings.class)).keySet());

  private static final Map<String, String> BY_ENVIRONMENT =
      KEYS.stream()
          .collect(
              Collectors.toMap(
                  key -> key.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9]", "_"), key -> key));

  /** The message of SmallRye Config for a value of the wrong type. */
  private static final Pattern CONVERSION =
      Pattern.compile(
          ".*The config property (?<key>\\S+) with the config value \"(?<value>.*?)\" threw an"
              + " Exception whilst being converted (SRCFG\\d+: )?(?<why>.*?)(, got .*)?",
          Pattern.DOTALL);

  /**
   * Variables that Kubernetes adds to the environment of pods if a service is named "rendezvous".
   */
  private static final Pattern KUBERNETES_NAME =
      Pattern.compile("RENDEZVOUS_(\\w+_)?(SERVICE_HOST|SERVICE_PORT(_\\w+)?|PORT_\\d+_\\w+)");

  /** Variables of the commands. Others that have the prefix are settings, or mistakes. */
  private static final Set<String> NO_SETTINGS =
      Set.of("RENDEZVOUS_DIRECTORY", "RENDEZVOUS_AGENT_SECRET");

  private static final Pattern KUBERNETES_VALUE = Pattern.compile("(tcp|udp|sctp)://.*");

  private SettingsLoader() {}

  /**
   * Loads the settings of this process.
   *
   * @param directory the directory to which relative paths in the settings are relative
   * @param file the properties file; empty for the environment and system properties only
   * @throws SettingsException if the file cannot be read or a setting is invalid
   */
  public static LoadedSettings load(Path directory, Optional<Path> file) throws SettingsException {
    Properties properties = file.isPresent() ? properties(file.get()) : new Properties();
    return load(directory, properties, System.getenv(), System.getProperties());
  }

  /**
   * Loads the given settings, without the environment and system properties.
   *
   * @param given the values by full key, such as {@code rendezvous.port}
   * @throws SettingsException if a setting is invalid
   */
  public static Settings load(Map<String, String> given) throws SettingsException {
    Properties properties = new Properties();
    properties.putAll(given);
    return load(WORKING_DIRECTORY, properties, Map.of(), new Properties()).settings();
  }

  private static Properties properties(Path file) throws SettingsException {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      properties.load(reader);
      return properties;
    } catch (NoSuchFileException e) {
      throw new SettingsException(List.of("there is no file " + file));
    } catch (AccessDeniedException e) {
      throw new SettingsException(List.of("no permission to read " + file));
    } catch (IOException | IllegalArgumentException e) {
      throw new SettingsException(List.of("cannot read " + file + ": " + e.getMessage()));
    }
  }

  static LoadedSettings load(
      Path directory, Properties file, Map<String, String> environment, Properties system)
      throws SettingsException {
    List<String> mistakes = new ArrayList<>();
    Map<String, String> given = new TreeMap<>();
    given.putAll(fromProperties(file, mistakes));
    given.putAll(fromEnvironment(environment, mistakes));
    given.putAll(fromProperties(system, mistakes));
    SmallRyeConfig config;
    try {
      config = mapped(directory, given);
    } catch (ConfigValidationException e) {
      removeMalformed(e, given, mistakes);
      config = mapped(directory, given);
    }
    Settings settings = config.getConfigMapping(Settings.class);
    mistakes.addAll(SettingsCheck.mistakes(settings));
    if (mistakes.isEmpty()) {
      return new LoadedSettings(settings, values(config));
    }
    throw new SettingsException(mistakes.stream().sorted().toList());
  }

  private static SmallRyeConfig mapped(Path directory, Map<String, String> given) {
    return new SmallRyeConfigBuilder()
        .withSources(new PropertiesConfigSource(given, "given", 100))
        .withMapping(Settings.class)
        .withConverter(Duration.class, 200, new DurationConverter())
        .withConverter(Path.class, 200, (Converter<Path>) directory::resolve)
        .withConverter(Boolean.class, 200, new BooleanConverter())
        .withConverter(Settings.Switch.class, 200, (Converter<Settings.Switch>) SettingsLoader::on)
        .build();
  }

  /** Returns the text of every value, a default too. */
  private static Map<String, String> values(SmallRyeConfig config) {
    Map<String, String> values = new HashMap<>();
    for (String key : KEYS) {
      String value = config.getConfigValue(key).getValue();
      if (value != null) {
        values.put(key, value);
      }
    }
    return values;
  }

  /** Removes values of the wrong type, so that the remaining settings can be checked too. */
  private static void removeMalformed(
      ConfigValidationException e, Map<String, String> given, List<String> mistakes) {
    for (int i = 0; i < e.getProblemCount(); i++) {
      String problem = e.getProblem(i).getMessage();
      Matcher matcher = CONVERSION.matcher(problem);
      if (!matcher.matches() || given.remove(matcher.group("key")) == null) {
        throw e; // the fault is in the Settings interface, not in a setting
      }
      // The value can be shown: only numbers, booleans, durations and paths are converted.
      mistakes.add(
          matcher.group("key") + ": " + matcher.group("why") + ": " + matcher.group("value"));
    }
  }

  /**
   * Returns the properties that are settings. An empty value counts as missing, since the example
   * file lists some keys without a value.
   */
  private static Map<String, String> fromProperties(Properties properties, List<String> mistakes) {
    Map<String, String> given = new HashMap<>();
    for (String name : properties.stringPropertyNames()) {
      String value = properties.getProperty(name).strip();
      if (!name.startsWith(PREFIX + ".")) {
        continue;
      }
      if (!KEYS.contains(name)) {
        mistakes.add(name + ": there is no such setting");
      } else if (!value.isEmpty()) {
        given.put(name, value);
      }
    }
    return given;
  }

  private static Map<String, String> fromEnvironment(
      Map<String, String> environment, List<String> mistakes) {
    Map<String, String> given = new HashMap<>();
    environment.forEach(
        (name, value) -> {
          if (!name.startsWith(ENVIRONMENT_PREFIX)
              || NO_SETTINGS.contains(name)
              || KUBERNETES_NAME.matcher(name).matches()
              || KUBERNETES_VALUE.matcher(value).matches()) {
            return;
          }
          String key = BY_ENVIRONMENT.get(name);
          if (key == null) {
            mistakes.add(name + ": there is no such setting");
          } else if (!value.isBlank()) {
            given.put(key, value.strip());
          }
        });
    return given;
  }

  /**
   * Accepts {@code true} and {@code false} only. SmallRye's own converter takes a typing error for
   * false, which could turn TLS off.
   */
  private static final class BooleanConverter implements Converter<Boolean> {
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

  private static Settings.Switch on(String text) {
    return switch (text) {
      case "on" -> Settings.Switch.ON;
      case "off" -> Settings.Switch.OFF;
      default -> throw new IllegalArgumentException("neither on nor off");
    };
  }

  /** Reads durations such as {@code 500ms}, {@code 5s}, {@code 2m}, {@code 1h} and {@code 1d}. */
  private static final class DurationConverter implements Converter<Duration> {
    private static final long serialVersionUID = 1L;

    @Override
    public Duration convert(String text) {
      return DurationText.parse(text);
    }
  }
}
