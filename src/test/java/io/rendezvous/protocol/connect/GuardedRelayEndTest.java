package io.rendezvous.protocol.connect;

/** A guarded relay ends as a raw one does (protocol.md, 1.3 and 1.7). */
class GuardedRelayEndTest extends RelayEndTest {
  @Override
  String relay() {
    return "guarded";
  }
}
