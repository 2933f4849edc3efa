package io.rendezvous.cli;

import io.rendezvous.tls.Tls;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Properties;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Standard error, which is the log. Slf4j-simple writes on the thread that logs, which may be an
 * I/O thread and must not block; so all lines go through a bounded queue to one writing thread.
 * Lines that exceed the queue are dropped and counted.
 */
public final class Console {
  private static final String LOG_PREFIX = "org.slf4j.simpleLogger.";
  private static final int MAX_LINES = 8192;
  private static final int MAX_LINE = 16 * 1024;

  private static final BlockingQueue<byte[]> LINES = new ArrayBlockingQueue<>(MAX_LINES);
  private static final AtomicLong DROPPED = new AtomicLong();
  private static final AtomicLong UNWRITTEN = new AtomicLong();

  private Console() {}

  /** Configures logging. Loggers read this once, so it must come first in a process. */
  public static void prepareLogging() {
    // Otherwise Undertow and XNIO would log through java.util.logging.
    System.setProperty("org.jboss.logging.provider", "slf4j");
    // At lower levels this logs the commands and replies of Redis, which contain secrets.
    System.setProperty(LOG_PREFIX + "log.org.redisson.client.handler", "info");
    PrintStream real = System.err;
    System.setErr(new PrintStream(new Lines(), true, StandardCharsets.UTF_8));
    Thread writer = new Thread(() -> write(real), "log");
    writer.setDaemon(true);
    writer.start();
    Tls.prepareProcess();
  }

  /**
   * Reads conf/log.properties in a directory, before anything is logged. Slf4j-simple reads only
   * system properties and its class path.
   */
  static void readLogSettings(Path directory) {
    Properties settings = new Properties();
    try (Reader reader =
        Files.newBufferedReader(directory.resolve("conf").resolve("log.properties"))) {
      settings.load(reader);
    } catch (IOException e) {
      return; // the file is optional
    }
    for (String name : settings.stringPropertyNames()) {
      if (name.startsWith(LOG_PREFIX) && System.getProperty(name) == null) {
        System.setProperty(name, settings.getProperty(name));
      }
    }
  }

  /** Waits up to a second until all log lines are written. */
  public static void flush() {
    System.err.flush();
    try {
      for (int i = 0; i < 100 && UNWRITTEN.get() > 0; i++) {
        TimeUnit.MILLISECONDS.sleep(10);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void write(PrintStream real) {
    try {
      while (true) {
        byte[] line = LINES.take();
        long dropped = DROPPED.getAndSet(0);
        if (dropped > 0) {
          real.println(dropped + " log lines were dropped: they came too fast");
        }
        real.write(line, 0, line.length);
        real.flush();
        UNWRITTEN.decrementAndGet();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Splits the bytes that are written into lines. Guarded by the stream around it. */
  private static final class Lines extends OutputStream {
    private final byte[] line = new byte[MAX_LINE];
    private int length;

    @Override
    public void write(int b) {
      line[length++] = (byte) b;
      if (b == '\n' || length == line.length) {
        UNWRITTEN.incrementAndGet();
        if (!LINES.offer(Arrays.copyOf(line, length))) {
          UNWRITTEN.decrementAndGet();
          DROPPED.incrementAndGet();
        }
        length = 0;
      }
    }
  }
}
