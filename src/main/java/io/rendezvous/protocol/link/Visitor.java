package io.rendezvous.protocol.link;

import io.rendezvous.http.ClientConnection;
import io.rendezvous.http.InfoPage;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.net.Source;
import io.rendezvous.protocol.Refusals;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A browser that has asked for one of the broker's pages. It gets one answer, and the connection is
 * closed: the next request may be for a hidden server.
 *
 * <p>Owns the connection, and lives on its I/O thread.
 */
final class Visitor {
  /** A password in a form has at most 3 KiB. */
  static final int MAX_FORM = 4 * 1024;

  /** The time for an answer, with the form that is sent and the look into the store. */
  private static final Duration TIME = Duration.ofSeconds(10);

  private final Conn conn;
  private final RequestHead head;
  private final Refusals refusals;
  private final Executor worker;

  /**
   * Takes the connection over.
   *
   * @param worker runs tasks that may block
   */
  Visitor(ClientConnection client, Refusals refusals, Executor worker) {
    this.head = client.head();
    this.conn = client.takeOver();
    this.refusals = refusals;
    this.worker = worker;
    conn.deadline(TIME, conn::close);
  }

  RequestHead head() {
    return head;
  }

  Conn conn() {
    return conn;
  }

  Source source() {
    return conn.source();
  }

  /** Runs a query that may block, and passes its result on if the browser is still there. */
  <T> void ask(Supplier<T> query, Consumer<T> then) {
    worker.execute(
        () -> {
          T result = query.get();
          conn.execute(
              () -> {
                if (conn.isOpen()) {
                  then.accept(result);
                }
              });
        });
  }

  /** Calls a task after a delay, if the browser is still there. */
  void after(Duration delay, Runnable task) {
    conn.after(delay, task);
  }

  /** Reads the body of a request, which has at most {@link #MAX_FORM} bytes, and passes it on. */
  void readForm(Consumer<String> then) {
    ByteBuffer form = ByteBuffer.allocate((int) head.bodyLength());
    if (!read(form, conn.takeEarly(), then)) {
      conn.onReadable(() -> conn.readEach(bytes -> !read(form, bytes, then)));
      conn.resumeReads();
    }
  }

  /** Returns whether the form is complete, and was passed on. */
  private boolean read(ByteBuffer form, ByteBuffer bytes, Consumer<String> then) {
    while (bytes.hasRemaining() && form.hasRemaining()) {
      form.put(bytes.get());
    }
    if (form.hasRemaining()) {
      return false;
    }
    conn.suspendReads();
    conn.onReadable(null);
    then.accept(StandardCharsets.ISO_8859_1.decode(form.flip()).toString());
    return true;
  }

  /** Answers with a page. */
  void show(InfoPage page, Map<String, String> headers) {
    LingeringClose.say(conn, page.closing(refusals.now(), headers, !head.method().equals("HEAD")));
  }

  /**
   * Answers with a redirection that is never cached, and tells nobody where it came from.
   *
   * @param location a path of this host
   * @param cookie the value of the Set-Cookie header
   */
  void redirect(String location, String cookie) {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Location", location);
    headers.put("Set-Cookie", cookie);
    headers.put("Cache-Control", "no-store");
    headers.put("Referrer-Policy", "no-referrer");
    LingeringClose.say(conn, ProblemResponse.closing(refusals.now(), "303 See Other", headers, ""));
  }
}
