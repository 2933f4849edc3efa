package io.rendezvous.testing;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.awaitility.Awaitility;

/** A server of somebody else's that is told of events, and does as a test says. */
public final class HookReceiver implements Closeable {
  /** What was posted. */
  public record Post(Headers headers, String body) {
    /** Returns the one value of a header. */
    public String header(String name) {
      return headers.getFirst(name);
    }
  }

  /** How a post is answered. */
  public interface Manner {
    /** Answers it. */
    void answer(HttpExchange exchange) throws IOException;
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<Post> posts = new CopyOnWriteArrayList<>();
  private final Queue<Manner> manners = new ConcurrentLinkedQueue<>();

  /** Starts one that takes everything. */
  public HookReceiver() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
    server.setExecutor(threads);
    server.createContext("/", this::onPost);
    server.start();
  }

  /** Answers the next post in another way; the one after it, if called again. */
  public void next(Manner manner) {
    manners.add(manner);
  }

  /** Answers the next post with a status. */
  public void next(int status) {
    next(exchange -> exchange.sendResponseHeaders(status, -1));
  }

  private void onPost(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      Manner manner = manners.poll();
      posts.add(new Post(exchange.getRequestHeaders(), new String(body, StandardCharsets.UTF_8)));
      if (manner == null) {
        exchange.sendResponseHeaders(204, -1);
      } else {
        manner.answer(exchange);
      }
    }
  }

  /** Returns where it is. */
  public URI url() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/hook?x=1");
  }

  /** Returns what was posted so far. */
  public List<Post> posts() {
    return posts;
  }

  /** Waits until so much was posted, and returns it. */
  public List<Post> await(int count) {
    Awaitility.await().until(() -> posts.size() >= count);
    return posts;
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
