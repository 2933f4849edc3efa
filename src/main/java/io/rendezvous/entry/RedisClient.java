package io.rendezvous.entry;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.client.RedisException;

/**
 * A connection to Redis whose commands take two seconds at most. It connects when it is first used,
 * and again when Redis comes back.
 *
 * <p>The messages of Redisson's exceptions contain the arguments of commands, and so secrets. Those
 * of the exceptions here name the class of the cause only. Any thread may call.
 */
final class RedisClient implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofSeconds(2);
  private static final int THREADS = 4;

  /** The value under a key is not a string. */
  static final class WrongTypeException extends Exception {
    private static final long serialVersionUID = 1L;
  }

  private final RedisLocation location;
  private final RedissonClient redisson;
  private final ExecutorService threads =
      Executors.newFixedThreadPool(THREADS, RedisClient::daemon);

  RedisClient(RedisLocation location) {
    this.location = location;
    this.redisson = Redisson.create(location.config(TIMEOUT));
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "redis-store");
    thread.setDaemon(true);
    return thread;
  }

  RedissonClient redisson() {
    return redisson;
  }

  /**
   * Runs a command on another thread and waits for it. Redisson's own timeout would begin only when
   * it has connected.
   *
   * @throws WrongTypeException if the value under a key is not a string
   * @throws IOException if Redis does not answer in time or reports an error
   */
  <T> T call(Callable<T> command) throws IOException, WrongTypeException {
    Future<T> answer = submit(command);
    try {
      return answer.get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof RedisException
          && String.valueOf(cause.getMessage()).contains("WRONGTYPE")) {
        throw new WrongTypeException();
      }
      throw unreachable(cause);
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw unreachable(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unreachable(e);
    }
  }

  /** Runs a command on another thread, and does not wait for it. */
  <T> Future<T> submit(Callable<T> command) {
    return threads.submit(command);
  }

  /** Returns an exception that names the location and the class of the cause. */
  IOException unreachable(@Nullable Throwable cause) {
    String reason = cause == null ? "unknown reason" : cause.getClass().getSimpleName();
    return new IOException(location + " cannot be reached now (" + reason + ")");
  }

  @Override
  public void close() {
    threads.shutdownNow();
    redisson.shutdown();
  }

  @Override
  public String toString() {
    return location.toString();
  }
}
