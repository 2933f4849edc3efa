package io.rendezvous.cli;

import io.rendezvous.agent.HiddenServer;
import io.rendezvous.agent.Status;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The hidden servers of one agent, by name. Any thread may call. */
final class RunningAgents implements AutoCloseable {

  // Guarded by this.
  private final Map<String, HiddenServer> members = new TreeMap<>();
  private boolean closed;

  /** Adds one, or replaces the one of that name, whose clients may finish. */
  synchronized void put(String name, HiddenServer server) {
    HiddenServer old = closed ? server : members.put(name, server);
    if (old != null) {
      stop(old);
    }
  }

  /** Takes one away; its clients may finish. */
  synchronized void remove(String name) {
    HiddenServer old = members.remove(name);
    if (old != null) {
      stop(old);
    }
  }

  synchronized boolean has(String name) {
    return members.containsKey(name);
  }

  /** Returns how each is doing. */
  synchronized Map<String, Status> statuses() {
    Map<String, Status> statuses = new TreeMap<>();
    members.forEach((name, server) -> statuses.put(name, server.status()));
    return statuses;
  }

  /** What goes on may take a while to finish. */
  private static Thread stop(HiddenServer server) {
    Thread stop = new Thread(server::close, "agent-stops");
    stop.start();
    return stop;
  }

  /** Closes them all, and lets what goes on finish, for half a minute. */
  @Override
  public void close() {
    List<Thread> stops;
    synchronized (this) {
      closed = true;
      stops = members.values().stream().map(RunningAgents::stop).toList();
    }
    try {
      for (Thread stop : stops) {
        stop.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
