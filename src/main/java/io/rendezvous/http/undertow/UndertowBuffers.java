package io.rendezvous.http.undertow;

import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Network;
import io.undertow.connector.ByteBufferPool;
import io.undertow.server.DefaultByteBufferPool;

/** The buffers that Undertow uses on a network's connections. */
final class UndertowBuffers {
  private static final int MAX_POOLED = 1000;
  private static final int MAX_POOLED_PER_THREAD = 16;

  private UndertowBuffers() {}

  /** Returns the network's pool: of heap buffers, since JSSE would copy direct ones. */
  static ByteBufferPool of(Network network) {
    return network.shared(
        DefaultByteBufferPool.class,
        () -> new DefaultByteBufferPool(false, BufferPool.SIZE, MAX_POOLED, MAX_POOLED_PER_THREAD));
  }
}
