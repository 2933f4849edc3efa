package io.rendezvous.tunnel;

import io.rendezvous.net.Source;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * A hidden server's connection as the registry sees it: something that can be watched, probed and
 * ended. Whoever takes a tunnel knows the real connection behind it.
 *
 * <p>Methods are called on the connection's own I/O thread unless they say otherwise.
 */
public interface Connection {
  /** Returns where the connection comes from. Any thread may call. */
  Source source();

  /**
   * Returns an object that stands for the connection's I/O thread. Two connections with the same
   * one are relayed without a change of threads. Any thread may call.
   */
  Object eventLoop();

  /** Returns whether {@link #probe} works with this peer. Any thread may call. */
  boolean canBeProbed();

  /** Returns whether this end has not closed the connection. */
  boolean isOpen();

  /**
   * Watches the connection until somebody takes it over.
   *
   * @param ended called once if the peer ends or breaks the connection, or sends something; the
   *     connection is closed right after
   */
  void watch(Consumer<Tunnel.End> ended);

  /** Checks now for what the watch would report later. */
  void look();

  /**
   * Asks the peer to prove that it is alive, without its application noticing.
   *
   * @param heard runs at most once, soon after anything has come from the peer
   */
  void probe(Runnable heard);

  /** Runs a task on the connection's I/O thread, soon. Any thread may call. */
  void execute(Runnable task);

  /** Runs a task on the connection's I/O thread after a delay. Any thread may call. */
  void after(Duration delay, Runnable task);

  /** Ends the connection in order. Any thread may call. */
  void dismiss();

  /** Ends the connection at once, with a reset. */
  void abort();
}
