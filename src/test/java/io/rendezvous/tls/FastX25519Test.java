package io.rendezvous.tls;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.math.BigInteger;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.Security;
import java.security.interfaces.XECPrivateKey;
import java.security.interfaces.XECPublicKey;
import java.security.spec.NamedParameterSpec;
import java.security.spec.XECPrivateKeySpec;
import java.security.spec.XECPublicKeySpec;
import java.util.HexFormat;
import javax.crypto.KeyAgreement;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** X25519 for TLS: its results are those of the JDK, and it rejects what RFC 7748 rejects. */
class FastX25519Test {
  private static final NamedParameterSpec X25519 = NamedParameterSpec.X25519;
  private static final Provider FAST = new FastX25519();
  private static final Provider JDK = Security.getProvider("SunEC");

  private static KeyPair pair(Provider by) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("XDH", by);
    generator.initialize(X25519);
    return generator.generateKeyPair();
  }

  private static byte[] agree(Provider by, PrivateKey ours, PublicKey theirs) throws Exception {
    KeyAgreement agreement = KeyAgreement.getInstance("XDH", by);
    agreement.init(ours);
    agreement.doPhase(theirs, true);
    return agreement.generateSecret("TlsPremasterSecret").getEncoded(); // as JSSE does
  }

  /** Returns the key as JSSE makes it from the numbers that a peer has sent. */
  private static PublicKey known(PublicKey key) throws Exception {
    BigInteger u = ((XECPublicKey) key).getU();
    return KeyFactory.getInstance("XDH").generatePublic(new XECPublicKeySpec(X25519, u));
  }

  private static PrivateKey known(PrivateKey key) throws Exception {
    byte[] scalar = ((XECPrivateKey) key).getScalar().orElseThrow();
    return KeyFactory.getInstance("XDH").generatePrivate(new XECPrivateKeySpec(X25519, scalar));
  }

  @Test
  void jsseUsesThisProvider() throws Exception {
    assertThat(KeyPairGenerator.getInstance("XDH").getProvider()).hasSameClassAs(FAST);
    KeyAgreement agreement = KeyAgreement.getInstance("XDH");
    agreement.init(pair(FAST).getPrivate());
    assertThat(agreement.getProvider()).hasSameClassAs(FAST);
  }

  @Test
  void secretsEqualThoseOfTheJdk() throws Exception {
    int beginWithZero = 0;
    // One of 256 begins with a zero, which must not be dropped.
    for (int i = 0; i < 200 || beginWithZero == 0; i++) {
      KeyPair ours = pair(FAST);
      KeyPair theirs = pair(i % 2 == 0 ? JDK : FAST);
      byte[] secret = agree(FAST, ours.getPrivate(), known(theirs.getPublic()));
      assertThat(secret).hasSize(32);
      assertThat(agree(JDK, known(theirs.getPrivate()), known(ours.getPublic()))).isEqualTo(secret);
      beginWithZero += secret[0] == 0 ? 1 : 0;
    }
  }

  /**
   * With a point of small order everybody would know the secret (RFC 7748, 6.1; RFC 8446, 7.4.2).
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      })
  void shareOfSmallOrderEndsTheHandshake(String share) throws Exception {
    byte[] hello = clientHello(HexFormat.of().parseHex(share));
    try (TlsRig rig = new TlsRig();
        Socket raw = new Socket("127.0.0.1", rig.port())) {
      TlsEnd ours = rig.accept(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3"));
      TlsEnd.Reading reading = ours.readOnceAnEvent(100);
      raw.getOutputStream().write(hello);
      assertThat(reading.end()).isNotEqualTo("end").isNotEqualTo("truncated");
      assertThat(ours.conn().isHandshaken()).isFalse();
      assertThat(rig.held(ours.conn())).isZero();
      try (TlsRig.Pair next = rig.open(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3"))) {
        next.ours().read(100);
        next.peer().startHandshake();
        assertThat(next.peer().getSession().isValid()).isTrue();
      }
    }
  }

  /** Returns the first record of a client with another key share for X25519. */
  private static byte[] clientHello(byte[] share) throws IOException {
    SSLEngine client = TlsRig.ec().client().createSSLEngine("localhost", 1);
    client.setUseClientMode(true);
    SSLParameters parameters = client.getSSLParameters();
    parameters.setProtocols(new String[] {"TLSv1.3"});
    client.setSSLParameters(parameters);
    ByteBuffer hello = ByteBuffer.allocate(1 << 15);
    client.wrap(ByteBuffer.allocate(0), hello);
    byte[] octets = new byte[hello.flip().remaining()];
    hello.get(octets);
    for (int at = 0; ; at++) { // an index out of bounds means that there is no such share
      if (octets[at] == 0
          && octets[at + 1] == 0x1d
          && octets[at + 2] == 0
          && octets[at + 3] == 32) {
        System.arraycopy(share, 0, octets, at + 4, 32);
        return octets;
      }
    }
  }
}
