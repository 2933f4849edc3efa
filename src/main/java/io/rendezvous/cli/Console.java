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
 * Standard error, which is the log. slf4j-simple writes where it is called, and so do the libraries
 * on the I/O threads; so what they write goes through a bounded queue to one writer. What finds the
 * queue full is dropped and counted.
 */
public final class Console {
  private static final Path LOG_SETTINGS = Path.of("conf", "log.properties");
  private static final String LOG_PREFIX = "org.slf4j.simpleLogger.";
  private static final int MAX_LINES = 8192;
  private static final int LONGEST_LINE = 16 * 1024;

  private static final BlockingQueue<byte[]> LINES = new ArrayBlockingQueue<>(MAX_LINES);
  private static final AtomicLong DROPPED = new AtomicLong();
  private static final AtomicLong UNWRITTEN = new AtomicLong();

  private Console() {}

  /** Sets what the logging reads once, so this comes first in a process. */
  public static void prepareLogging() {
    // Undertow and XNIO would log elsewhere.
    System.setProperty("org.jboss.logging.provider", "slf4j");
    readLogSettings();
    // At the lowest levels these print what Redis is asked and answers, with the secrets in it.
    System.setProperty(LOG_PREFIX + "log.org.redisson.client.handler", "info");
    PrintStream real = System.err;
    System.setErr(new PrintStream(new Lines(), true, StandardCharsets.UTF_8));
    Thread writer = new Thread(() -> write(real), "log");
    writer.setDaemon(true);
    writer.start();
    Tls.prepareProcess();
  }

  /** slf4j-simple itself reads system properties and the class path only. */
  private static void readLogSettings() {
    Properties settings = new Properties();
    try (Reader reader = Files.newBufferedReader(LOG_SETTINGS)) {
      settings.load(reader);
    } catch (IOException e) {
      return; // there need be none
    }
    for (String name : settings.stringPropertyNames()) {
      if (name.startsWith(LOG_PREFIX) && System.getProperty(name) == null) {
        System.setProperty(name, settings.getProperty(name));
      }
    }
  }

  /** Waits, not for long, until what was logged is written. */
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
          real.println(dropped + " lines of the log were dropped: they came too fast");
        }
        real.write(line, 0, line.length);
        real.flush();
        UNWRITTEN.decrementAndGet();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Cuts what is written into lines. Guarded by the stream around it. */
  private static final class Lines extends OutputStream {
    private final byte[] line = new byte[LONGEST_LINE];
    private int length;

    @Override
    public void write(int octet) {
      line[length++] = (byte) octet;
      if (octet == '\n' || length == line.length) {
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
