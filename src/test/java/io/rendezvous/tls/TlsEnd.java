package io.rendezvous.tls;

import io.rendezvous.net.Conn;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.xnio.channels.StreamSinkChannel;
import org.xnio.channels.StreamSourceChannel;

/** Our end of a TLS connection, which reads and writes in its event listeners. */
final class TlsEnd {
  private static final int KEPT = 1 << 16;

  private final Conn conn;
  private final TlsConnection tls;

  /** Wraps a connection on which TLS was started. */
  TlsEnd(Conn conn, TlsConnection tls) {
    this.conn = conn;
    this.tls = tls;
  }

  Conn conn() {
    return conn;
  }

  TlsConnection tls() {
    return tls;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  /** Everything that was read so far, and how the stream ended. */
  final class Reading {
    private final MessageDigest hash = sha256();
    private final ByteArrayOutputStream beginning = new ByteArrayOutputStream();
    private final AtomicLong count = new AtomicLong();
    private final AtomicInteger events = new AtomicInteger();
    private final CompletableFuture<String> end = new CompletableFuture<>();

    private void take(ByteBuffer octets) {
      count.addAndGet(octets.remaining());
      synchronized (beginning) {
        if (beginning.size() < KEPT) {
          byte[] copy = new byte[octets.remaining()];
          octets.duplicate().get(copy);
          beginning.write(copy, 0, copy.length);
        }
      }
      hash.update(octets);
    }

    long count() {
      return count.get();
    }

    int events() {
      return events.get();
    }

    /** Returns the first 64 KiB that were read, as text. */
    String text() {
      synchronized (beginning) {
        return beginning.toString(StandardCharsets.ISO_8859_1);
      }
    }

    /** Waits for the end of the stream: "end", "truncated", or the message of the failure. */
    String end() throws Exception {
      return end.get(60, TimeUnit.SECONDS);
    }

    boolean hasEnded() {
      return end.isDone();
    }

    /** Waits for the end of the stream, and returns the hash of all that was read. */
    String hash() throws Exception {
      String how = end();
      if (how.equals("end") || how.equals("truncated")) {
        return HexFormat.of().formatHex(hash.digest());
      }
      throw new IOException(how);
    }

    private void ended(String how) {
      if (!end.isDone()) {
        end.complete(how);
      }
    }

    /** Reads once, and returns the result of the channel. */
    private long readOnce(ByteBuffer[] into) {
      StreamSourceChannel source = conn.channel().getSourceChannel();
      for (ByteBuffer buffer : into) {
        buffer.clear();
      }
      try {
        long n = into.length == 1 ? source.read(into[0]) : source.read(into);
        for (ByteBuffer buffer : into) {
          take(buffer.flip());
        }
        if (n < 0) {
          ended(conn.isTruncated() ? "truncated" : "end");
        }
        return n;
      } catch (IOException e) {
        ended(String.valueOf(e.getMessage()));
        return -1;
      }
    }
  }

  private static ByteBuffer[] buffers(int... sizes) {
    ByteBuffer[] all = new ByteBuffer[sizes.length];
    for (int i = 0; i < sizes.length; i++) {
      all[i] = ByteBuffer.allocate(sizes[i]);
    }
    return all;
  }

  /** Starts to read everything that arrives, into buffers of these sizes. */
  Reading read(int... sizes) throws Exception {
    Reading reading = new Reading();
    ByteBuffer[] into = buffers(sizes);
    start(
        reading,
        () -> {
          long n;
          do {
            n = reading.readOnce(into);
          } while (n > 0);
          if (n < 0) {
            conn.suspendReads();
          }
        });
    return reading;
  }

  /** Starts to read once in each event, and never to suspend reads. */
  Reading readOnceAnEvent(int... sizes) throws Exception {
    Reading reading = new Reading();
    ByteBuffer[] into = buffers(sizes);
    start(reading, () -> reading.readOnce(into));
    return reading;
  }

  /** Starts to receive events without reading. */
  Reading dontRead() throws Exception {
    Reading reading = new Reading();
    start(reading, () -> {});
    return reading;
  }

  /** Starts to read at random: much, little, not at all, or later. */
  Reading readAtRandom(long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    Reading reading = new Reading();
    boolean[] resumed = {true};
    start(
        reading,
        () -> {
          if (!resumed[0]) {
            reading.ended("an event came while reads were suspended");
            conn.close();
            return;
          }
          int times = random.nextInt(5);
          long n = 0;
          for (int i = 0; i < times && n >= 0; i++) {
            n = reading.readOnce(buffers(sizes(random)));
          }
          if (n < 0) {
            conn.suspendReads();
            return;
          }
          if (times == 0 || random.nextInt(3) == 0) {
            resumed[0] = false;
            conn.suspendReads();
            Runnable resume =
                () -> {
                  resumed[0] = true;
                  conn.resumeReads();
                };
            if (random.nextBoolean()) {
              conn.execute(resume);
            } else if (random.nextBoolean()) {
              resume.run();
            } else {
              conn.execute(() -> conn.execute(() -> conn.execute(resume)));
            }
          } else if (random.nextInt(4) == 0) {
            conn.resumeReads();
          }
        });
    return reading;
  }

  private static int[] sizes(SplittableRandom random) {
    int[] max = {1, 8, 300, 5000, 20_000, 200_000};
    int[] sizes = new int[1 + random.nextInt(3)];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = 1 + random.nextInt(max[random.nextInt(max.length)]);
    }
    return sizes;
  }

  /** Sets the listener, and returns when it is set. */
  private void start(Reading reading, Runnable onEvent) throws Exception {
    TlsRig.on(
        conn,
        () -> {
          conn.onReadable(
              () -> {
                reading.events.incrementAndGet();
                onEvent.run();
              });
          conn.resumeReads();
          return true;
        });
  }

  /** The end of a stream after all bytes were written. */
  enum Ending {
    NONE,
    CLOSE_NOTIFY
  }

  /** Writes that many random bytes and flushes them. The result is their hash. */
  CompletableFuture<String> write(long count, long seed, Ending ending, int... sizes) {
    CompletableFuture<String> done = new CompletableFuture<>();
    ByteBuffer[] from = buffers(sizes);
    for (ByteBuffer buffer : from) {
      buffer.flip();
    }
    SplittableRandom random = new SplittableRandom(seed);
    MessageDigest hash = sha256();
    AtomicLong left = new AtomicLong(count);
    boolean[] shut = {false};
    Runnable writer =
        () -> {
          try {
            if (writeOn(from, left, random, hash)) {
              if (ending == Ending.CLOSE_NOTIFY && !shut[0]) {
                shut[0] = true;
                conn.shutdownWrites();
              }
              if (conn.flush()) {
                conn.suspendWrites();
                if (!done.isDone()) {
                  done.complete(HexFormat.of().formatHex(hash.digest()));
                }
                return;
              }
            }
            conn.resumeWrites();
          } catch (IOException e) {
            conn.suspendWrites();
            done.completeExceptionally(e);
          }
        };
    conn.execute(
        () -> {
          conn.onWritable(writer);
          writer.run();
        });
    return done;
  }

  /** Writes what is left, and returns whether all of it was taken. */
  private boolean writeOn(
      ByteBuffer[] from, AtomicLong left, SplittableRandom random, MessageDigest hash)
      throws IOException {
    StreamSinkChannel sink = conn.channel().getSinkChannel();
    while (true) {
      fill(from, left, random, hash);
      boolean done = Arrays.stream(from).noneMatch(ByteBuffer::hasRemaining);
      if (done || conn.discardsWrites()) { // then everything is discarded, and taken
        return true;
      }
      long n = from.length == 1 ? sink.write(from[0]) : sink.write(from);
      if (n == 0) {
        return false;
      }
    }
  }

  /** Fills the empty buffers after the last one that is not empty, which has to go first. */
  private static void fill(
      ByteBuffer[] from, AtomicLong left, SplittableRandom random, MessageDigest hash) {
    int last = -1;
    for (int i = 0; i < from.length; i++) {
      if (from[i].hasRemaining()) {
        last = i;
      }
    }
    for (int i = last + 1; i < from.length && left.get() > 0; i++) {
      int n = (int) Math.min(left.get(), from[i].capacity());
      byte[] octets = new byte[n];
      random.nextBytes(octets);
      hash.update(octets);
      from[i].clear().put(octets).flip();
      left.addAndGet(-n);
    }
  }

  /** Writes text at once. The socket has to have room for it. */
  void send(String text) throws Exception {
    TlsRig.on(
        conn,
        () -> {
          ByteBuffer octets = ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
          while (octets.hasRemaining()) {
            if (conn.write(octets) == 0) {
              throw new IOException("the socket takes no more");
            }
          }
          return conn.flush();
        });
  }

  /** Sends a close_notify and ends the TCP stream. */
  void shutdownWrites() throws Exception {
    TlsRig.on(
        conn,
        () -> {
          conn.shutdownWrites();
          return conn.flush();
        });
  }
}
