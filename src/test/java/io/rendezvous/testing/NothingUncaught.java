package io.rendezvous.testing;

import io.rendezvous.tls.Tls;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test during which an exception was caught by nobody, in whatever thread, or an error was
 * logged: XNIO and Undertow catch what is thrown on their threads, and log it.
 *
 * <p>Threads do not belong to tests. Where test classes run side by side, all tests that were
 * running at that moment fail.
 */
public final class NothingUncaught
    implements BeforeAllCallback, BeforeEachCallback, AfterEachCallback {
  /** Words of an exception that a test throws on purpose: an error with them may be logged. */
  public static final String EXPECTED = "thrown by the test";

  /** The errors so far of each test that is running, by its unique ID. */
  private static final Map<String, Queue<String>> RUNNING = new ConcurrentHashMap<>();

  private static boolean installed;

  @Override
  public void beforeAll(ExtensionContext context) {
    synchronized (NothingUncaught.class) {
      if (!installed) {
        installed = true;
        Tls.prepareProcess();
        Awaitility.setDefaultPollInterval(Duration.ofMillis(5));
        // Long enough for a machine that is busy with other things.
        Awaitility.setDefaultTimeout(Duration.ofMinutes(1));
        Thread.setDefaultUncaughtExceptionHandler(
            (thread, e) -> record(thread.getName() + ": " + e));
        System.setErr(new PrintStream(new Watch(System.err), true, StandardCharsets.UTF_8));
      }
    }
  }

  private static void record(String error) {
    forEachRunning(errors -> errors.add(error));
  }

  private static void forEachRunning(Consumer<Queue<String>> action) {
    RUNNING.values().forEach(action);
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    RUNNING.put(context.getUniqueId(), new ConcurrentLinkedQueue<>());
  }

  @Override
  public void afterEach(ExtensionContext context) {
    Queue<String> errors = RUNNING.remove(context.getUniqueId());
    if (errors != null && !errors.isEmpty()) {
      throw new AssertionError("Uncaught or logged as an error during this test: " + errors);
    }
  }

  /** Passes lines on, and records those that are errors. */
  private static final class Watch extends OutputStream {
    /** The exception of a handshake whose I/O thread is ending. */
    private static final String ENDING =
        "java.util.concurrent.RejectedExecutionException: XNIO007007: Thread is terminating";

    private final PrintStream out;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private String error = "";

    Watch(PrintStream out) {
      this.out = out;
    }

    @Override
    public void write(int octet) {
      line.write(octet);
      if (octet == '\n') {
        // A whole line at once, since Surefire writes to the same stream.
        out.writeBytes(line.toByteArray());
        look(line.toString(StandardCharsets.UTF_8).stripTrailing());
        line.reset();
      }
    }

    private void look(String text) {
      if (text.contains(" ERROR ") && !text.contains(EXPECTED)) {
        error = text;
        record(error);
      } else if (text.startsWith(ENDING)) {
        forEachRunning(errors -> errors.remove(error));
      }
    }
  }
}
