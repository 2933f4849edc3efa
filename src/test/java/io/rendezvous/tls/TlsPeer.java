package io.rendezvous.tls;

import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.HexFormat;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLParameters;

/**
 * A client of TLS 1.3 that sends whatever records a test wants. One thread may write while another
 * reads, unlike with an SSLSocket, which may break its own stream when both change keys at once.
 */
final class TlsPeer {
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final SSLEngine engine;
  private final Socket raw;
  private final ByteBuffer records = ByteBuffer.allocate(1 << 17).flip();
  private final ByteBuffer plaintext = ByteBuffer.allocate(1 << 15);

  private TlsPeer(SSLEngine engine, Socket raw) {
    this.engine = engine;
    this.raw = raw;
  }

  /** Creates a client that has not shaken hands. */
  static TlsPeer of(Socket raw) {
    SSLEngine engine = TlsRig.ec().client().createSSLEngine("localhost", 1);
    engine.setUseClientMode(true);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setProtocols(new String[] {"TLSv1.3"});
    engine.setSSLParameters(parameters);
    return new TlsPeer(engine, raw);
  }

  void shakeHands() throws IOException {
    engine.beginHandshake();
    while (true) {
      switch (engine.getHandshakeStatus()) {
        case NEED_TASK -> engine.getDelegatedTask().run();
        case NEED_WRAP -> send(1, this::handshake);
        case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> readRecord();
        default -> {
          return;
        }
      }
    }
  }

  /** Makes records. */
  interface Records {
    void into(ByteBuffer records) throws IOException;
  }

  /** Has records made that many times, and sends them in one piece. */
  void send(int times, Records maker) throws IOException {
    ByteBuffer all = ByteBuffer.allocate(times * (1 << 12) + (1 << 16));
    for (int i = 0; i < times; i++) {
      maker.into(all);
    }
    OutputStream out = raw.getOutputStream();
    synchronized (out) {
      out.write(all.array(), 0, all.position());
    }
  }

  /** Makes the records that the engine itself has to send. */
  private synchronized void handshake(ByteBuffer into) throws IOException {
    engine.wrap(NOTHING, into);
  }

  /** Makes a KeyUpdate with update_requested. */
  synchronized void keyUpdate(ByteBuffer into) throws IOException {
    engine.beginHandshake();
    engine.wrap(NOTHING, into);
  }

  /** Makes a record of one octet. */
  void octet(ByteBuffer into) throws IOException {
    octets(1, into);
  }

  /** Makes a record of so many octets. */
  synchronized void octets(int count, ByteBuffer into) throws IOException {
    engine.wrap(ByteBuffer.allocate(count), into);
  }

  /** Reads that many bytes, answers KeyUpdates meanwhile, and returns the hash. */
  String read(long count, MessageDigest hash) throws IOException {
    for (long n = 0; n < count; ) {
      readRecord();
      plaintext.flip();
      n += plaintext.remaining();
      hash.update(plaintext);
      plaintext.clear();
    }
    return HexFormat.of().formatHex(hash.digest());
  }

  private void readRecord() throws IOException {
    SSLEngineResult result;
    synchronized (this) {
      result = engine.unwrap(records, plaintext);
    }
    if (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
      records.compact();
      int n = raw.getInputStream().read(records.array(), records.position(), records.remaining());
      if (n < 0) {
        throw new EOFException();
      }
      records.position(records.position() + n).flip();
    }
  }
}
