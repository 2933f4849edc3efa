package io.rendezvous.tunnel;

import io.rendezvous.net.Source;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A hidden server's connection without a socket. The test decides what the hidden server does, and
 * sees what the registry does.
 */
final class FakeConnection implements Connection {
  /** What the registry did to end the connection. */
  enum Fate {
    NONE,
    DISMISSED,
    ABORTED
  }

  private final String name;
  private final FakeEventLoop loop;
  private final Source source;
  private final Runnable onCall;
  private boolean canBeProbed = true;
  private boolean open = true;
  private Consumer<Tunnel.End> ended = end -> {};
  private Tunnel.@Nullable End unreadEnd;
  private @Nullable Runnable unreadAnswer;
  private @Nullable Runnable heard;
  private int probes;
  private Fate fate = Fate.NONE;

  /**
   * Creates an open connection.
   *
   * @param onCall runs first in each call that the registry may only make while it holds no lock
   */
  FakeConnection(String name, FakeEventLoop loop, String address, Runnable onCall) {
    this.name = name;
    this.loop = loop;
    this.onCall = onCall;
    try {
      this.source = Source.of(InetAddress.getByName(address));
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(address, e);
    }
  }

  // What the hidden server does.

  /** Makes the hidden server one that cannot be probed. */
  FakeConnection withoutProbes() {
    canBeProbed = false;
    return this;
  }

  /** Ends the connection from the other side, which the watch notices at once. */
  void end(Tunnel.End why) {
    ended.accept(why);
    open = false;
  }

  /** Ends the connection from the other side. Only a look notices it. */
  void endUnread(Tunnel.End why) {
    unreadEnd = why;
  }

  /** Answers the probe, which is noticed at once. What follows the answer is not. */
  void answer() {
    loop.execute(takeHeard());
    loop.run();
  }

  /** Answers the probe. Only a look notices it. */
  void answerUnread() {
    unreadAnswer = takeHeard();
  }

  private Runnable takeHeard() {
    Runnable taken = heard;
    if (taken == null) {
      throw new IllegalStateException("was not probed: " + this);
    }
    heard = null;
    return taken;
  }

  /** Ends the connection at this side, as the owner of a taken tunnel does. */
  void close() {
    open = false;
  }

  // What the registry has done.

  /** Returns how many probes were sent. */
  int probes() {
    return probes;
  }

  /** Returns whether a probe was sent whose answer was not noticed yet. */
  boolean isProbed() {
    return heard != null || unreadAnswer != null;
  }

  /** Returns whether the hidden server can answer a probe. */
  boolean awaitsAnswer() {
    return heard != null;
  }

  /** Returns what the registry did to end the connection. */
  Fate fate() {
    return fate;
  }

  @Override
  public Source source() {
    return source;
  }

  @Override
  public Object eventLoop() {
    return loop;
  }

  @Override
  public boolean canBeProbed() {
    return canBeProbed;
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  @Override
  public void watch(Consumer<Tunnel.End> onEnded) {
    onCall.run();
    ended = onEnded;
  }

  @Override
  public void look() {
    onCall.run();
    Runnable answer = unreadAnswer;
    if (answer != null) {
      unreadAnswer = null;
      loop.execute(answer);
    }
    Tunnel.End why = unreadEnd;
    if (why != null) {
      unreadEnd = null;
      end(why);
    }
  }

  @Override
  public void probe(Runnable onHeard) {
    onCall.run();
    probes++;
    heard = onHeard;
  }

  @Override
  public void execute(Runnable task) {
    onCall.run();
    loop.execute(task);
  }

  @Override
  public void after(Duration delay, Runnable task) {
    onCall.run();
    loop.after(delay, task);
  }

  @Override
  public void dismiss() {
    onCall.run();
    open = false;
    fate = Fate.DISMISSED;
  }

  @Override
  public void abort() {
    onCall.run();
    open = false;
    fate = Fate.ABORTED;
  }

  @Override
  public String toString() {
    return name;
  }
}
