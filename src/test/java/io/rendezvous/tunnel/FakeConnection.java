package io.rendezvous.tunnel;

import io.rendezvous.net.Source;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A hidden server's connection without a socket. Its I/O thread runs when the test says so. */
final class FakeConnection implements Connection {
  /** An I/O thread whose tasks are run by hand, and whose timers the test lets expire. */
  static final class Loop {
    private final Deque<Runnable> tasks = new ArrayDeque<>();
    private final List<Runnable> timers = new ArrayList<>();

    /** Runs all tasks, those that come in meanwhile included. */
    void run() {
      for (Runnable task; (task = tasks.poll()) != null; ) {
        task.run();
      }
    }

    /** Lets all timers expire, and runs what follows. */
    void expire() {
      List<Runnable> due = List.copyOf(timers);
      timers.clear();
      due.forEach(Runnable::run);
      run();
    }
  }

  private final String name;
  private final Loop loop;
  private final Source source;
  private final List<String> events = new ArrayList<>();
  boolean canBeProbed = true;
  private boolean open = true;
  private Consumer<Tunnel.End> ended = end -> {};
  private Tunnel.@Nullable End unnoticed;
  private @Nullable Runnable heard;

  FakeConnection(String name, Loop loop, String address) {
    this.name = name;
    this.loop = loop;
    try {
      this.source = Source.of(InetAddress.getByName(address));
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(address, e);
    }
  }

  /** Returns what was done to the connection: probed, dismissed, aborted. */
  List<String> events() {
    return events;
  }

  /** Ends the connection from the other side, which the watch notices at once. */
  void end(Tunnel.End why) {
    open = false;
    ended.accept(why);
  }

  /** Ends the connection from the other side, which only a look notices. */
  void endUnnoticed(Tunnel.End why) {
    unnoticed = why;
  }

  /** Answers a probe. */
  void answer() {
    Runnable listener = heard;
    heard = null;
    if (listener == null) {
      throw new IllegalStateException("was not probed");
    }
    listener.run();
    loop.run();
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
    ended = onEnded;
  }

  @Override
  public void look() {
    Tunnel.End why = unnoticed;
    if (why != null) {
      unnoticed = null;
      end(why);
    }
  }

  @Override
  public void probe(Runnable listener) {
    events.add("probed");
    heard = listener;
  }

  @Override
  public void execute(Runnable task) {
    loop.tasks.add(task);
  }

  @Override
  public void after(Duration delay, Runnable task) {
    loop.timers.add(task);
  }

  @Override
  public void dismiss() {
    open = false;
    events.add("dismissed");
  }

  @Override
  public void abort() {
    open = false;
    events.add("aborted");
  }

  @Override
  public String toString() {
    return name;
  }
}
