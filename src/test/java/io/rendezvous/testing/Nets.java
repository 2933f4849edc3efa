package io.rendezvous.testing;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Two networks with a router between them that can be told to drop what it gets, as network
 * namespaces of Linux: no connection is closed, and no end is told.
 */
public final class Nets {
  /** The address in the broker's network. */
  public static final String BROKER = "10.77.1.2";

  private static final Path HERE = Path.of("").toAbsolutePath();
  private static final AtomicInteger COUNT = new AtomicInteger();

  private final String id = newId();
  private final String broker = "rv-b-" + id;
  private final String agent = "rv-a-" + id;
  private final String router = "rv-r-" + id;

  /** Makes them. */
  public Nets() throws IOException, InterruptedException {
    for (String net : List.of(broker, agent, router)) {
      ip("netns add " + net);
      ip("-n " + net + " link set lo up");
    }
    join(broker, "b" + id, "10.77.1.");
    join(agent, "a" + id, "10.77.2.");
    restore();
  }

  /** Returns an ID that nobody else on this machine uses: names of namespaces are global. */
  private static String newId() {
    return ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet();
  }

  /** Returns whether this user may make network namespaces. */
  public static boolean arePossible() throws InterruptedException {
    String probe = "rv-probe-" + newId();
    try {
      ip("netns add " + probe);
      ip("netns del " + probe);
      return true;
    } catch (IOException | AssertionError e) {
      return false;
    }
  }

  private void join(String net, String link, String prefix)
      throws IOException, InterruptedException {
    ip("link add " + link + " netns " + net + " type veth peer name " + link + " netns " + router);
    ip("-n " + net + " addr add " + prefix + "2/24 dev " + link);
    ip("-n " + router + " addr add " + prefix + "1/24 dev " + link);
    ip("-n " + net + " link set " + link + " up");
    ip("-n " + router + " link set " + link + " up");
    ip("-n " + net + " route add default via " + prefix + "1");
  }

  private static void ip(String arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments.split(" ", -1)));
    Program.start(HERE, command.toArray(String[]::new)).outputWhenDone();
  }

  private void forward(boolean on) throws IOException, InterruptedException {
    String write = "echo " + (on ? 1 : 0) + " > /proc/sys/net/ipv4/ip_forward";
    Program.start(HERE, "ip", "netns", "exec", router, "sh", "-c", write).outputWhenDone();
  }

  /** Drops all packets between the two, both ways, from now on. */
  public void cut() throws IOException, InterruptedException {
    forward(false);
  }

  /** Lets them pass again. */
  public void restore() throws IOException, InterruptedException {
    forward(true);
  }

  /** Gives the agent's end another address in place of the one it has. */
  public void moveAgent() throws IOException, InterruptedException {
    ip("-n " + agent + " addr del 10.77.2.2/24 dev a" + id);
    ip("-n " + agent + " addr add 10.77.2.3/24 dev a" + id);
    ip("-n " + agent + " route replace default via 10.77.2.1");
  }

  /** Returns a command that runs in the broker's network. */
  public String[] inBrokers(List<String> command) {
    return in(broker, command);
  }

  /** Returns a command that runs in the agent's network. */
  public String[] inAgents(List<String> command) {
    return in(agent, command);
  }

  private static String[] in(String net, List<String> command) {
    List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", net));
    all.addAll(command);
    return all.toArray(String[]::new);
  }

  /** Takes them down. */
  public void close() throws IOException, InterruptedException {
    for (String net : List.of(broker, agent, router)) {
      ip("netns del " + net);
    }
  }
}
