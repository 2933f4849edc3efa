package io.rendezvous.cli;

import io.rendezvous.Broker;
import io.rendezvous.Reload;
import io.rendezvous.config.LoadedSettings;
import io.rendezvous.config.Settings;
import io.rendezvous.config.SettingsException;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the settings of a running broker again. The log says which changes take effect, and which
 * ones need a restart. Mistakes change nothing. Any thread may call.
 */
final class SettingsReloader {
  private static final Logger LOG = LoggerFactory.getLogger(SettingsReloader.class);

  private final Installation installation;
  private final Broker broker;

  /** What the broker runs with: a value that needs a restart is still that of the start. */
  private LoadedSettings running; // guarded by this

  SettingsReloader(Installation installation, Broker broker) {
    this.installation = installation;
    this.broker = broker;
    this.running = installation.loaded();
  }

  /** Returns the settings that were read last and had no mistakes. */
  synchronized Settings settings() {
    return running.settings();
  }

  /** Reads the settings, and passes them on to the broker. Values are not logged. */
  synchronized void reload() {
    LoadedSettings next;
    try {
      next = installation.reloaded();
    } catch (SettingsException e) {
      LOG.error("The old settings stay: {}", String.join("; ", e.mistakes()));
      return;
    }
    Set<String> changed = new TreeSet<>(running.differences(next));
    Set<String> needRestart = new TreeSet<>(changed);
    needRestart.removeAll(Reload.KEYS);
    changed.retainAll(Reload.KEYS);
    broker.reload(next.settings());
    running = next.withRestOf(running, Reload.KEYS);
    LOG.info(
        "The settings were read again: {}",
        changed.isEmpty() ? "nothing to change" : "changed " + String.join(", ", changed));
    if (!needRestart.isEmpty()) {
      LOG.warn("Changed, but needs a restart: {}", String.join(", ", needRestart));
    }
  }
}
