package io.rendezvous.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A program that uses the admin listener. */
public final class AdminClient {
  /** The token that test brokers are given. */
  public static final String TOKEN = "token-of-the-tests";

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http = HttpClient.newHttpClient();
  private final URI url;

  /** Creates one for a broker. */
  public AdminClient(TestBroker broker) {
    this.url = URI.create(broker.broker().adminUrl().orElseThrow());
  }

  /** Returns the port. */
  public int port() {
    return url.getPort();
  }

  /** Asks with the token. */
  public HttpResponse<String> ask(String method, String path, String body, String... headers)
      throws IOException, InterruptedException {
    List<String> more = new ArrayList<>(List.of(headers));
    more.addAll(List.of("Authorization", "Bearer " + TOKEN));
    return askBare(method, path, body, more.toArray(String[]::new));
  }

  /** Asks without the token. */
  public HttpResponse<String> askBare(String method, String path, String body, String... headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(url.resolve(path))
            .timeout(PATIENCE)
            .method(method, HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  /** Listens to what is told of changes, a line after the other, until the stream is closed. */
  public Stream<String> listen() throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(url.resolve("/api/events"))
            .header("Authorization", "Bearer " + TOKEN)
            .build();
    return http.send(request, HttpResponse.BodyHandlers.ofLines()).body();
  }

  /** Asks with the token, and reads the answer. */
  public JsonNode get(String path) throws IOException, InterruptedException {
    return JSON.readTree(ask("GET", path, "").body());
  }
}
