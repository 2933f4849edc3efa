package io.rendezvous.tls;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.Socket;
import java.nio.ByteBuffer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The beginning of a record whose rest has not arrived. */
class TlsPartialRecordTest {
  private TlsRig rig;
  private Socket raw;
  private TlsPeer peer;
  private TlsEnd ours;
  private TlsEnd.Reading reading;

  @BeforeEach
  void start() throws Exception {
    rig = new TlsRig();
    raw = new Socket("127.0.0.1", rig.port());
    raw.setTcpNoDelay(true);
    ours = rig.accept(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3"));
    reading = ours.read(100);
    peer = TlsPeer.of(raw);
    peer.shakeHands();
    peer.send(1, peer::octet);
    Awaitility.await().until(() -> reading.count() == 1);
  }

  @AfterEach
  void stop() throws Exception {
    raw.close();
    rig.close();
  }

  private boolean isMidRecord() throws Exception {
    return TlsRig.on(ours.conn(), ours.conn()::isMidRecord);
  }

  /** Returns a record of so many octets of plaintext. */
  private byte[] record(int plaintext) throws Exception {
    ByteBuffer record = ByteBuffer.allocate(1 << 15);
    peer.octets(plaintext, record);
    byte[] octets = new byte[record.flip().remaining()];
    record.get(octets);
    return octets;
  }

  @ParameterizedTest
  @CsvSource({"1, 0", "5, 0", "1000, 0", "1024, 0", "1025, 1", "16000, 1"})
  void shortBeginningHoldsNoBufferOfThePool(int sent, int held) throws Exception {
    byte[] record = record(16_000);
    raw.getOutputStream().write(record, 0, sent);
    Awaitility.await().until(this::isMidRecord);
    Awaitility.await().until(() -> rig.held(ours.conn()) == held);
    raw.getOutputStream().write(record, sent, record.length - sent);
    Awaitility.await().until(() -> reading.count() == 16_001);
    assertThat(isMidRecord()).isFalse();
    assertThat(rig.held(ours.conn())).isZero();
  }

  @Test
  void recordMayArriveOctetByOctet() throws Exception {
    for (byte octet : record(3000)) {
      raw.getOutputStream().write(octet);
    }
    Awaitility.await().until(() -> reading.count() == 3001);
    assertThat(rig.held(ours.conn())).isZero();
  }

  @Test
  void beginningIsForgottenAtTheEndOfTheStream() throws Exception {
    raw.getOutputStream().write(record(100), 0, 50);
    Awaitility.await().until(this::isMidRecord);
    raw.shutdownOutput();
    assertThat(reading.end()).isEqualTo("truncated");
    assertThat(isMidRecord()).isFalse();
  }
}
