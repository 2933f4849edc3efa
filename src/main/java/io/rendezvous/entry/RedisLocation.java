package io.rendezvous.entry;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;
import org.redisson.config.SingleServerConfig;

/**
 * The location of a Redis database: {@code redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]}, or {@code
 * rediss://} for TLS. Its text does not show the password.
 */
final class RedisLocation {
  private static final int DEFAULT_PORT = 6379;

  private final URI uri;

  private RedisLocation(URI uri) {
    this.uri = uri;
  }

  /**
   * Parses a location.
   *
   * @throws IllegalArgumentException if it is malformed; the message does not show it
   */
  static RedisLocation parse(String text) {
    try {
      URI uri = URI.create(text);
      if (uri.getHost() != null && uri.getPath().matches("(/\\d{0,4})?")) {
        return new RedisLocation(uri);
      }
    } catch (IllegalArgumentException e) {
      // Its message shows the text, which may contain a password.
    }
    throw new IllegalArgumentException(
        "rendezvous.store is not redis://[:password@]host:port[/db]; special characters of the"
            + " password have to be escaped (%40 for @)");
  }

  private int port() {
    return uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
  }

  /**
   * Returns the configuration of a client that connects when it is first used.
   *
   * @param timeout applies to connecting and to each command
   */
  Config config(Duration timeout) {
    Config config = new Config();
    config.setCodec(StringCodec.INSTANCE); // the default codec would run code found in the database
    config.setLazyInitialization(true);
    config.setThreads(2);
    config.setNettyThreads(2);
    int timeoutMs = (int) timeout.toMillis();
    SingleServerConfig server =
        config
            .useSingleServer()
            .setAddress(uri.getScheme() + "://" + uri.getHost() + ":" + port())
            .setConnectTimeout(timeoutMs)
            .setTimeout(timeoutMs)
            .setRetryAttempts(0)
            .setPingConnectionInterval(5000)
            .setConnectionMinimumIdleSize(1)
            .setConnectionPoolSize(8)
            .setSubscriptionConnectionMinimumIdleSize(1)
            .setSubscriptionConnectionPoolSize(2);
    String path = uri.getPath();
    if (path.length() > 1) {
      server.setDatabase(Integer.parseInt(path.substring(1)));
    }
    setCredentials(config);
    return config;
  }

  private void setCredentials(Config config) {
    String credentials = uri.getRawUserInfo();
    if (credentials == null) {
      return;
    }
    int colon = credentials.indexOf(':');
    String user = colon < 0 ? credentials : credentials.substring(0, colon);
    if (!user.isEmpty()) {
      config.setUsername(URLDecoder.decode(user, StandardCharsets.UTF_8));
    }
    if (colon >= 0) {
      String password = credentials.substring(colon + 1).replace("+", "%2B");
      config.setPassword(URLDecoder.decode(password, StandardCharsets.UTF_8));
    }
  }

  @Override
  public String toString() {
    return "Redis at " + uri.getHost() + ":" + port() + uri.getPath();
  }
}
