package io.rendezvous.config;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/** Settings together with the text of each value, so that two versions can be compared. */
public final class LoadedSettings {
  private final Settings settings;
  private final Map<String, String> values; // some are secret

  LoadedSettings(Settings settings, Map<String, String> values) {
    this.settings = settings;
    this.values = Map.copyOf(values);
  }

  /** Returns the settings. */
  public Settings settings() {
    return settings;
  }

  /** Returns the keys whose values differ, in alphabetical order. */
  public Set<String> differences(LoadedSettings other) {
    Set<String> keys = new TreeSet<>(SettingsLoader.KEYS);
    keys.removeIf(key -> Objects.equals(values.get(key), other.values.get(key)));
    return keys;
  }

  /**
   * Returns what a broker runs with that takes some of its settings anew: those settings with these
   * values, and the values of another version for all other keys.
   */
  public LoadedSettings withRestOf(LoadedSettings other, Set<String> keys) {
    Map<String, String> mixed = new HashMap<>(other.values);
    mixed.keySet().removeAll(keys);
    values.forEach(
        (key, value) -> {
          if (keys.contains(key)) {
            mixed.put(key, value);
          }
        });
    return new LoadedSettings(settings, mixed);
  }
}
