package io.rendezvous.testing;

import io.rendezvous.tls.Tls;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test in whose time an exception was caught by nobody, in whatever thread, or an error was
 * logged: XNIO and Undertow catch what is thrown on their threads, and log it.
 */
public final class NothingUncaught
    implements BeforeAllCallback, BeforeEachCallback, AfterEachCallback {
  private static final Queue<String> SEEN = new ConcurrentLinkedQueue<>();
  private static boolean installed;

  @Override
  public void beforeAll(ExtensionContext context) {
    synchronized (NothingUncaught.class) {
      if (!installed) {
        installed = true;
        Tls.prepareProcess();
        Awaitility.setDefaultPollInterval(Duration.ofMillis(5));
        Thread.setDefaultUncaughtExceptionHandler((t, e) -> SEEN.add(t.getName() + ": " + e));
        System.setErr(new PrintStream(new Watch(System.err), true, StandardCharsets.UTF_8));
      }
    }
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    SEEN.clear();
  }

  @Override
  public void afterEach(ExtensionContext context) {
    if (!SEEN.isEmpty()) {
      throw new AssertionError("Uncaught, or logged as an error: " + SEEN);
    }
  }

  /** Passes lines on, and keeps those that are errors. */
  private static final class Watch extends OutputStream {
    /** What a handshake on an I/O thread that is being ended comes to. */
    private static final String ENDING =
        "java.util.concurrent.RejectedExecutionException: XNIO007007: Thread is terminating";

    private final PrintStream out;
    private final StringBuilder line = new StringBuilder();
    private String error = "";

    Watch(PrintStream out) {
      this.out = out;
    }

    @Override
    public void write(int octet) {
      out.write(octet);
      if (octet != '\n') {
        line.append((char) octet);
        return;
      }
      if (line.indexOf(" ERROR ") >= 0) {
        error = line.toString();
        SEEN.add(error);
      } else if (line.indexOf(ENDING) == 0) {
        SEEN.remove(error);
      }
      line.setLength(0);
    }
  }
}
