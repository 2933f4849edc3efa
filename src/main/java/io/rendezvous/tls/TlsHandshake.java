package io.rendezvous.tls;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/**
 * The handshake of a {@link TlsConduit}. It goes as far as it can without waiting, each time it is
 * asked to. The engine's costly tasks run on an executor; while one does the engine is not to be
 * touched, for it would make the I/O thread wait.
 *
 * <p>Lives on the connection's I/O thread.
 */
final class TlsHandshake {
  /** The version that knows KeyUpdate and half-close, as JSSE calls it. */
  static final String TLS_1_3 = "TLSv1.3";

  private final TlsConnection connection;
  private final SSLEngine engine;
  private final TlsReader reader;
  private final TlsWriter writer;
  private final Executor tasks;
  private final Runnable onTaskDone;
  private boolean begun;
  private boolean inTask;

  /**
   * Creates one that has not begun.
   *
   * @param tasks runs the engine's tasks
   * @param onTaskDone runs on the I/O thread when they are done, well or not
   */
  TlsHandshake(
      TlsConnection connection,
      SSLEngine engine,
      TlsReader reader,
      TlsWriter writer,
      Executor tasks,
      Runnable onTaskDone) {
    this.connection = connection;
    this.engine = engine;
    this.reader = reader;
    this.writer = writer;
    this.tasks = tasks;
    this.onTaskDone = onTaskDone;
  }

  /** Returns whether anything was done for it yet. */
  boolean hasBegun() {
    return begun;
  }

  /** Returns whether a task of the engine runs. */
  boolean isInTask() {
    return inTask;
  }

  /**
   * Goes on, from the beginning if it has not begun.
   *
   * @return whether it is over
   * @throws IOException if it failed
   */
  boolean advance() throws IOException {
    if (inTask) {
      return false;
    }
    try {
      if (!begun) {
        begun = true;
        engine.beginHandshake();
      }
      while (true) {
        switch (engine.getHandshakeStatus()) {
          case NEED_TASK -> {
            startTask();
            return false;
          }
          case NEED_WRAP -> {
            if (hasTicketOnly()) {
              writer.holdTicket();
              return true;
            }
            if (!writer.writeOwn()) {
              throw new SSLException("the handshake stands still");
            }
          }
          case NEED_UNWRAP -> {
            if (!reader.readHandshake()) {
              return false;
            }
          }
          case FINISHED, NOT_HANDSHAKING -> {
            if (engine.isOutboundDone()) { // writes were shut before it was over
              throw new ClosedChannelException();
            }
            return true;
          }
          case NEED_UNWRAP_AGAIN -> throw new IllegalStateException("DTLS");
        }
      }
    } catch (RuntimeException e) { // one of the engine's tasks threw it
      throw new SSLException("the handshake failed", e);
    }
  }

  /** A server of TLS 1.3 has the client's Finished, and sends tickets (RFC 8446, 4.6.1). */
  private boolean hasTicketOnly() {
    return !engine.getUseClientMode()
        && engine.getHandshakeSession() == null
        && engine.getSession().getProtocol().equals(TLS_1_3);
  }

  private void startTask() {
    inTask = true;
    try {
      tasks.execute(this::runTasks);
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  private void runTasks() {
    try {
      Runnable task;
      while (connection.isOpen() && (task = engine.getDelegatedTask()) != null) {
        task.run();
      }
    } finally {
      connection.execute(
          () -> {
            inTask = false;
            onTaskDone.run();
          });
    }
  }
}
