package io.rendezvous.cli;

import java.lang.reflect.Proxy;

/**
 * Signals to the process. A shutdown hook would leave exit code 143, and not see a second signal;
 * so this is {@code sun.misc.Signal}, by reflection because javac has no way to own up to it.
 */
final class Signals {
  private Signals() {}

  /**
   * Has something run for each signal of that name, such as TERM, in place of what the JVM does.
   *
   * @param onSignal is called on a thread of the JVM's
   */
  static void handle(String name, Runnable onSignal) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      Object ours =
          Proxy.newProxyInstance(
              Signals.class.getClassLoader(),
              new Class<?>[] {handler},
              (proxy, method, args) -> {
                onSignal.run();
                return null;
              });
      signal
          .getMethod("handle", signal, handler)
          .invoke(null, signal.getConstructor(String.class).newInstance(name), ours);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("signals cannot be handled on this Java", e);
    }
  }
}
