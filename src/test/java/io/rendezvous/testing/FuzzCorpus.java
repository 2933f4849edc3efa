package io.rendezvous.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * The inputs that a fuzzer has found worth keeping, and what fuzz targets share. {@code
 * scripts/fuzz} looks for more.
 */
public final class FuzzCorpus {
  private FuzzCorpus() {}

  /** Runs a target with each input of a corpus: a resource with one in base64 on each line. */
  public static void replay(String name, Consumer<byte[]> target) throws IOException {
    List<String> lines;
    try (InputStream in = FuzzCorpus.class.getResourceAsStream("/fuzz/" + name + ".txt")) {
      lines = new String(in.readAllBytes(), ISO_8859_1).lines().toList();
    }
    for (String line : lines) {
      byte[] input = Base64.getDecoder().decode(line);
      try {
        target.accept(input);
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("input: " + new String(input, ISO_8859_1), e);
      }
    }
  }

  /** Cuts octets into pieces of random lengths. */
  public static List<ByteBuffer> pieces(byte[] octets, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int longest = 1 + random.nextInt(1 + Math.min(octets.length, 40));
    List<ByteBuffer> pieces = new ArrayList<>();
    for (int at = 0; at < octets.length; ) {
      int length = Math.min(octets.length - at, 1 + random.nextInt(longest));
      pieces.add(ByteBuffer.wrap(Arrays.copyOfRange(octets, at, at + length)));
      at += length;
    }
    return pieces;
  }

  /** Throws an error if a claim about the result of a target does not hold. */
  public static void check(boolean holds, String claim) {
    if (!holds) {
      throw new AssertionError(claim);
    }
  }
}
