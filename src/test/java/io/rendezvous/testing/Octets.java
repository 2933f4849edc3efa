package io.rendezvous.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.DigestInputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Streams of random octets, and what remains of them. */
public final class Octets {
  private static final ExecutorService THREADS =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "test-peer");
            thread.setDaemon(true);
            return thread;
          });

  private Octets() {}

  /** Runs something beside the test; what it throws comes out where it is joined. */
  public static <T> CompletableFuture<T> beside(Callable<T> task) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return task.call();
          } catch (Exception e) {
            throw new CompletionException(e);
          }
        },
        THREADS);
  }

  /** Writes so many random octets, and returns their hash. */
  public static String write(OutputStream out, long count, long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    byte[] buffer = new byte[64 * 1024];
    DigestOutputStream hashed = new DigestOutputStream(out, sha256());
    for (long left = count; left > 0; ) {
      random.nextBytes(buffer);
      int n = (int) Math.min(left, 1 + random.nextInt(buffer.length));
      hashed.write(buffer, 0, n);
      left -= n;
    }
    hashed.flush();
    return HexFormat.of().formatHex(hashed.getMessageDigest().digest());
  }

  /** Reads so many octets, and returns their hash. */
  public static String read(InputStream in, long count) throws IOException {
    DigestInputStream hashed = new DigestInputStream(in, sha256());
    byte[] buffer = new byte[64 * 1024];
    for (long left = count; left > 0; ) {
      int n = hashed.read(buffer, 0, (int) Math.min(left, buffer.length));
      if (n < 0) {
        throw new IOException(left + " of " + count + " octets are missing");
      }
      left -= n;
    }
    return HexFormat.of().formatHex(hashed.getMessageDigest().digest());
  }

  /** Reads until the end or an error, whichever it is. */
  public static String untilItBreaks(InputStream in) {
    ByteArrayOutputStream read = new ByteArrayOutputStream();
    try {
      for (int octet; (octet = in.read()) >= 0; ) {
        read.write(octet);
      }
    } catch (IOException e) {
      // It broke.
    }
    return read.toString(StandardCharsets.ISO_8859_1);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
