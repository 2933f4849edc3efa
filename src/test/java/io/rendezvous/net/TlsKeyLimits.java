package io.rendezvous.net;

import io.rendezvous.testing.Octets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A program: much goes both ways at once, in both roles, while JSSE's limits have both ends change
 * keys again and again.
 */
final class TlsKeyLimits {
  private static final long COUNT = 64L * 1024 * 1024;

  private TlsKeyLimits() {}

  /** Prints each role that has done well. */
  public static void main(String[] args) throws Exception {
    for (TlsRig.Role role : TlsRig.Role.values()) {
      for (String suite : new String[] {"TLS_AES_128_GCM_SHA256"}) {
        try (TlsRig rig = new TlsRig();
            TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, "TLSv1.3").suite(suite))) {
          carry(pair);
        }
      }
      System.out.println(role + " done");
    }
    System.exit(0);
  }

  private static void carry(TlsRig.Pair pair) throws Exception {
    TlsEnd.Reading reading = pair.ours().read(40_000);
    CompletableFuture<String> written = pair.ours().write(COUNT, 1, TlsEnd.Ending.NONE, 100_000);
    CompletableFuture<String> sent =
        Octets.beside(() -> Octets.write(pair.peer().getOutputStream(), COUNT, 2));
    CompletableFuture<String> read =
        Octets.beside(() -> Octets.read(pair.peer().getInputStream(), COUNT));
    String hash = sent.get(60, TimeUnit.SECONDS);
    expect(written.get(60, TimeUnit.SECONDS), read.get(60, TimeUnit.SECONDS));
    pair.peer().shutdownOutput();
    expect(reading.hash(), hash);
    expect(reading.end(), "end");
  }

  private static void expect(String is, String expected) {
    if (!is.equals(expected)) {
      throw new AssertionError(is + " is not " + expected);
    }
  }
}
