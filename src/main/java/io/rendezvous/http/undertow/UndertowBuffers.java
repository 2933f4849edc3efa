package io.rendezvous.http.undertow;

import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Network;
import io.undertow.connector.ByteBufferPool;
import io.undertow.server.DefaultByteBufferPool;

/**
 * Keeps one pool of Undertow's buffers for each network. Undertow has a type of pool of its own,
 * and its default uses direct buffers, which JSSE would copy.
 */
final class UndertowBuffers {
  private static final int MAX_POOLED = 1000;
  private static final int MAX_POOLED_PER_THREAD = 16;

  private UndertowBuffers() {}

  /** Returns the network's pool, which is created when it is first asked for. */
  static ByteBufferPool of(Network network) {
    return network.shared(
        DefaultByteBufferPool.class,
        () -> new DefaultByteBufferPool(false, BufferPool.SIZE, MAX_POOLED, MAX_POOLED_PER_THREAD));
  }
}
