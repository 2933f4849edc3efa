package io.rendezvous.tls;

import io.rendezvous.testing.Octets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/**
 * A program that transfers much in both directions, while low limits of JSSE have both ends change
 * keys again and again. Both directions are busy at once only between two ends of ours: if one
 * thread of an SSLSocket is at its limit while another answers the peer, both derive the same next
 * key (JDK 17 and 25), and the stream breaks.
 */
final class TlsKeyLimits {
  private static final long COUNT = 4L * 1024 * 1024;
  private static final String VERSION = "TLSv1.3";

  private TlsKeyLimits() {}

  /** Runs the transfers, and prints a line for each that succeeded. */
  public static void main(String[] args) throws Exception {
    try (TlsRig rig = new TlsRig()) {
      carryBothWays(rig);
      System.out.println("both done");
      for (TlsRig.Role role : TlsRig.Role.values()) {
        try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, VERSION).suite(suite()))) {
          carryOneWay(pair);
        }
        System.out.println(role + " done");
      }
    }
    System.exit(0);
  }

  private static String suite() {
    return "TLS_AES_128_GCM_SHA256";
  }

  private static void carryBothWays(TlsRig rig) throws Exception {
    CompletableFuture<TlsEnd> dialled =
        Octets.beside(
            () ->
                rig.dial(TlsRig.Setup.of(TlsRig.Role.CLIENT, VERSION).suite(suite()), rig.port()));
    TlsEnd server = rig.accept(TlsRig.Setup.of(TlsRig.Role.SERVER, VERSION).suite(suite()));
    TlsEnd client = dialled.get(60, TimeUnit.SECONDS);
    TlsEnd.Reading servers = server.read(40_000);
    TlsEnd.Reading clients = client.read(30_000);
    CompletableFuture<String> byServer =
        server.write(COUNT, 1, TlsEnd.Ending.CLOSE_NOTIFY, 100_000);
    CompletableFuture<String> byClient = client.write(COUNT, 2, TlsEnd.Ending.CLOSE_NOTIFY, 70_000);
    expect(servers.hash(), byClient.get(60, TimeUnit.SECONDS));
    expect(clients.hash(), byServer.get(60, TimeUnit.SECONDS));
    expect(servers.end(), "end");
    expect(clients.end(), "end");
  }

  private static void carryOneWay(TlsRig.Pair pair) throws Exception {
    TlsEnd.Reading reading = pair.ours().read(40_000);
    CompletableFuture<String> peer =
        Octets.beside(
            () -> {
              String sent = Octets.write(pair.peer().getOutputStream(), COUNT, 1);
              String read = Octets.read(pair.peer().getInputStream(), COUNT);
              pair.peer().shutdownOutput();
              return sent + read;
            });
    Awaitility.await().atMost(60, TimeUnit.SECONDS).until(() -> reading.count() == COUNT);
    String written =
        pair.ours().write(COUNT, 2, TlsEnd.Ending.NONE, 100_000).get(60, TimeUnit.SECONDS);
    String both = peer.get(60, TimeUnit.SECONDS);
    expect(reading.hash() + written, both);
  }

  private static void expect(String is, String expected) {
    if (!is.equals(expected)) {
      throw new AssertionError(is + " is not " + expected);
    }
  }
}
