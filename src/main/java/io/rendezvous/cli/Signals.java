package io.rendezvous.cli;

import java.lang.reflect.Proxy;

/**
 * Handles signals to the process. A shutdown hook would leave exit code 143 and miss a second
 * signal, so this uses {@code sun.misc.Signal}, by reflection because javac warns about it and that
 * warning cannot be suppressed.
 */
final class Signals {
  private Signals() {}

  /**
   * Sets what runs at each signal of that name, such as TERM, in place of the JVM's own handler.
   *
   * @param onSignal is called on a thread of the JVM
   */
  static void handle(String name, Runnable onSignal) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      Object proxy =
          Proxy.newProxyInstance(
              Signals.class.getClassLoader(),
              new Class<?>[] {handler},
              (self, method, args) -> {
                onSignal.run();
                return null;
              });
      signal
          .getMethod("handle", signal, handler)
          .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("signals cannot be handled on this Java", e);
    }
  }
}
