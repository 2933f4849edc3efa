package io.rendezvous.cli;

import io.rendezvous.agent.HiddenServer;
import io.rendezvous.agent.Status;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The running hidden servers of one agent, by name. Any thread may call. */
final class RunningAgents implements AutoCloseable {

  // Guarded by this.
  private final Map<String, HiddenServer> servers = new TreeMap<>();
  private boolean closed;

  /** Adds a hidden server. Stops the one that had the same name; its clients may finish. */
  synchronized void put(String name, HiddenServer server) {
    HiddenServer old = closed ? server : servers.put(name, server);
    if (old != null) {
      stop(old);
    }
  }

  /** Stops and removes a hidden server. Its clients may finish. */
  synchronized void remove(String name) {
    HiddenServer old = servers.remove(name);
    if (old != null) {
      stop(old);
    }
  }

  synchronized boolean has(String name) {
    return servers.containsKey(name);
  }

  /** Returns the status of each hidden server. */
  synchronized Map<String, Status> statuses() {
    Map<String, Status> statuses = new TreeMap<>();
    servers.forEach((name, server) -> statuses.put(name, server.status()));
    return statuses;
  }

  /** Stops a hidden server on a thread of its own, since its clients may take a while. */
  private static Thread stop(HiddenServer server) {
    Thread stop = new Thread(server::close, "agent-stops");
    stop.start();
    return stop;
  }

  /** Stops all hidden servers, and waits up to half a minute for their clients to finish. */
  @Override
  public void close() {
    List<Thread> stops;
    synchronized (this) {
      closed = true;
      stops = servers.values().stream().map(RunningAgents::stop).toList();
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
