package io.rendezvous.tls;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/**
 * The handshake of a {@link TlsConduit}. Each call of {@link #advance} carries it on as far as it
 * goes without waiting. The costly tasks of the engine run on an executor; while one runs the
 * engine must not be used, since that would block the I/O thread.
 *
 * <p>It is used on the connection's I/O thread.
 */
final class TlsHandshake {
  /** JSSE's name of the version that has KeyUpdate and half-close. */
  static final String TLS_1_3 = "TLSv1.3";

  private final TlsConnection connection;
  private final SSLEngine engine;
  private final TlsReader reader;
  private final TlsWriter writer;
  private final Executor tasks;
  private final Runnable onDue;
  private boolean begun;
  private boolean inTask;

  /**
   * Creates a handshake that has not begun.
   *
   * @param tasks runs the engine's tasks
   * @param onDue runs on the I/O thread when the handshake can go on: after its tasks, whether or
   *     not they succeeded, and when it has given other connections their turn
   */
  TlsHandshake(
      TlsConnection connection,
      SSLEngine engine,
      TlsReader reader,
      TlsWriter writer,
      Executor tasks,
      Runnable onDue) {
    this.connection = connection;
    this.engine = engine;
    this.reader = reader;
    this.writer = writer;
    this.tasks = tasks;
    this.onDue = onDue;
  }

  /** Returns whether {@link #advance} was called yet. */
  boolean hasBegun() {
    return begun;
  }

  /** Returns whether a task of the engine is running. */
  boolean isInTask() {
    return inTask;
  }

  /**
   * Begins or continues the handshake.
   *
   * @return whether it has succeeded
   * @throws IOException if it has failed
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
              throw new SSLException("the handshake does not get on");
            }
          }
          case NEED_UNWRAP -> {
            if (!reader.readHandshake()) {
              if (reader.handshakeIsDue()) {
                connection.execute(onDue);
              }
              return false;
            }
          }
          case FINISHED, NOT_HANDSHAKING -> {
            if (engine.isOutboundDone()) { // writes were ended before the handshake
              throw new ClosedChannelException();
            }
            return true;
          }
          case NEED_UNWRAP_AGAIN -> throw new IllegalStateException("DTLS");
        }
      }
    } catch (RuntimeException e) { // thrown by a task of the engine
      throw new SSLException("the handshake failed", e);
    }
  }

  /**
   * Returns whether only a session ticket is left to send: a server of TLS 1.3 has received the
   * client's Finished (RFC 8446, 4.6.1).
   */
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
            onDue.run();
          });
    }
  }
}
