package io.rendezvous.testing;

import java.io.Closeable;
import java.io.IOException;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** A hidden server that does with each client what a test says, right or wrong. */
public final class ScriptedServer implements Closeable {
  private final TestBroker broker;
  private final Script script;
  private final AtomicInteger left;
  private final Queue<Peer> open = new ConcurrentLinkedQueue<>();
  private volatile boolean closed;

  /** What is done with a tunnel that a client has taken. */
  public interface Script {
    /** Serves the client, whose first request has this head; the tunnel is closed afterwards. */
    void serve(Peer tunnel, String head) throws IOException;
  }

  /**
   * Parks so many tunnels, and another whenever one is taken.
   *
   * @param most how many it parks in its life
   */
  public ScriptedServer(TestBroker broker, int tunnels, int most, Script script)
      throws IOException {
    this.broker = broker;
    this.script = script;
    this.left = new AtomicInteger(most);
    for (int i = 0; i < tunnels; i++) {
      park();
    }
  }

  private void park() throws IOException {
    if (closed || left.getAndDecrement() <= 0) {
      return;
    }
    Peer tunnel = broker.park();
    open.add(tunnel);
    Thread thread = new Thread(() -> serve(tunnel), "test-scripted-server");
    thread.setDaemon(true);
    thread.start();
    if (closed) {
      tunnel.cut();
    }
  }

  private void serve(Peer tunnel) {
    try (tunnel) {
      String head = tunnel.readHead();
      park();
      script.serve(tunnel, head);
    } catch (IOException e) {
      // The other side is tested, not this one.
    } finally {
      open.remove(tunnel);
    }
  }

  /** Answers each request, a HEAD without the body, until one asks for the end. */
  public static void answer(Peer tunnel, String firstHead, String lines, String body)
      throws IOException {
    String head = firstHead;
    while (true) {
      tunnel.readBody(head);
      tunnel.send(lines + "\r\n" + (head.startsWith("HEAD") ? "" : body));
      if (head.contains("Connection: close")) {
        return;
      }
      head = tunnel.readHead();
    }
  }

  /** Ends all tunnels, and parks no more. */
  @Override
  public void close() throws IOException {
    closed = true;
    for (Peer tunnel; (tunnel = open.poll()) != null; ) {
      tunnel.cut();
    }
  }
}
