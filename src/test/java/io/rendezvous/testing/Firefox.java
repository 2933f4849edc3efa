package io.rendezvous.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The Firefox of this machine, headless, driven by WebDriver BiDi. It accepts every certificate.
 */
public final class Firefox implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Program program;
  private final WebSocket socket;
  private final Map<Integer, CompletableFuture<JsonNode>> awaited = new ConcurrentHashMap<>();
  private final AtomicInteger ids = new AtomicInteger();
  private final AtomicInteger prompts = new AtomicInteger();
  private volatile String user = "";
  private volatile String password = "";

  /**
   * Starts Firefox.
   *
   * @param profile an empty directory
   */
  public Firefox(Path profile) throws Exception {
    program =
        Program.start(
            profile,
            Map.of("MOZ_HEADLESS", "1"),
            "firefox-esr",
            "--no-remote",
            "--profile",
            profile.toString(),
            "--remote-debugging-port",
            String.valueOf(FreePort.find()));
    String address = program.await("WebDriver BiDi listening on (ws://\\S+)");
    socket =
        HttpClient.newHttpClient()
            .newWebSocketBuilder()
            .buildAsync(URI.create(address + "/session"), new Messages())
            .get(60, TimeUnit.SECONDS);
    ObjectNode session = JSON.createObjectNode();
    session.putObject("capabilities").putObject("alwaysMatch").put("acceptInsecureCerts", true);
    call("session.new", session);
    ObjectNode events = JSON.createObjectNode();
    events.putArray("events").add("network.authRequired");
    call("session.subscribe", events);
    ObjectNode phases = JSON.createObjectNode();
    phases.putArray("phases").add("authRequired");
    call("network.addIntercept", phases);
  }

  /** Has the next prompt answered. A second one after it is cancelled. */
  public void answer(String newUser, String newPassword) {
    user = newUser;
    password = newPassword;
    prompts.set(0);
  }

  /** Returns how many prompts there were since the last {@link #answer}. */
  public int prompts() {
    return prompts.get();
  }

  /** A tab with cookies of its own. */
  public final class Tab {
    private final String context;

    private Tab(String context) {
      this.context = context;
    }

    /** Opens a URL, and waits until the page is loaded. */
    public void open(String url) throws Exception {
      ObjectNode navigate = JSON.createObjectNode();
      call(
          "browsingContext.navigate",
          navigate.put("context", context).put("url", url).put("wait", "complete"));
    }

    /** Returns the text that an expression has, or its promise. */
    public String evaluate(String expression) throws Exception {
      ObjectNode script = JSON.createObjectNode();
      script.putObject("target").put("context", context);
      JsonNode result =
          call("script.evaluate", script.put("expression", expression).put("awaitPromise", true));
      if (!result.path("type").asText().equals("success")) {
        throw new IOException(result.path("exceptionDetails").path("text").asText());
      }
      return result.path("result").path("value").asText();
    }

    /** Returns the text of the page. */
    public String text() throws Exception {
      return evaluate("document.body.innerText");
    }
  }

  /** Opens a tab with cookies of its own. */
  public Tab tab() throws Exception {
    ObjectNode trusting = JSON.createObjectNode().put("acceptInsecureCerts", true);
    String owner = call("browser.createUserContext", trusting).path("userContext").asText();
    ObjectNode tab = JSON.createObjectNode().put("type", "tab").put("userContext", owner);
    return new Tab(call("browsingContext.create", tab).path("context").asText());
  }

  private JsonNode call(String method, ObjectNode parameters) throws Exception {
    int id = ids.incrementAndGet();
    CompletableFuture<JsonNode> result = new CompletableFuture<>();
    awaited.put(id, result);
    send(id, method, parameters);
    return result.get(60, TimeUnit.SECONDS);
  }

  private void send(int id, String method, ObjectNode parameters) {
    ObjectNode command = JSON.createObjectNode().put("id", id).put("method", method);
    command.set("params", parameters);
    synchronized (socket) { // one message at a time
      socket.sendText(command.toString(), true).join();
    }
  }

  private void onMessage(JsonNode message) {
    CompletableFuture<JsonNode> result = awaited.remove(message.path("id").asInt());
    if (message.path("method").asText().equals("network.authRequired")) {
      String request = message.path("params").path("request").path("request").asText();
      ForkJoinPool.commonPool()
          .execute(
              () -> send(ids.incrementAndGet(), "network.continueWithAuth", answerTo(request)));
    } else if (result != null && message.path("type").asText().equals("success")) {
      result.complete(message.path("result"));
    } else if (result != null) {
      result.completeExceptionally(new IOException(message.path("message").asText()));
    }
  }

  private ObjectNode answerTo(String request) {
    ObjectNode answer = JSON.createObjectNode().put("request", request);
    if (prompts.incrementAndGet() > 1) {
      return answer.put("action", "cancel");
    }
    answer
        .put("action", "provideCredentials")
        .putObject("credentials")
        .put("type", "password")
        .put("username", user)
        .put("password", password);
    return answer;
  }

  private final class Messages implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
      text.append(part);
      if (last) {
        try {
          onMessage(JSON.readTree(text.toString()));
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
        text.setLength(0);
      }
      from.request(1);
      return null;
    }
  }

  @Override
  public void close() throws IOException {
    socket.abort();
    program.close();
  }
}
