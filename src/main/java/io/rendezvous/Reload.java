package io.rendezvous;

import io.rendezvous.config.Settings;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * Passes changed settings on to the parts of a running broker that take them. A part is added when
 * it is created. Any thread may call.
 */
public final class Reload {
  /** The settings that the parts of a broker take while they run. */
  public static final Set<String> KEYS =
      Set.of(
          "rendezvous.wait",
          "rendezvous.linger",
          "rendezvous.stall",
          "rendezvous.drain",
          "rendezvous.relay",
          "rendezvous.tunnels-per-id",
          "rendezvous.tunnel-age",
          "rendezvous.probe",
          "rendezvous.guesses.per-source",
          "rendezvous.guesses.per-uuid",
          "rendezvous.limits.per-source",
          "rendezvous.limits.parked",
          "rendezvous.limits.waiting-per-id");

  private final List<Consumer<Settings>> parts = new CopyOnWriteArrayList<>();

  Reload() {}

  void add(Consumer<Settings> part) {
    parts.add(part);
  }

  void apply(Settings changed) {
    parts.forEach(part -> part.accept(changed));
  }
}
