package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import org.jspecify.annotations.Nullable;

/** A client that asks for a tunnel, and remembers what it was told. */
final class FakeClient implements Waiter {
  private final Runnable onCall;
  private @Nullable Tunnel offer;
  private Tunnel.@Nullable End dismissal;

  /**
   * Creates a client.
   *
   * @param onCall runs first in each call
   */
  FakeClient(Runnable onCall) {
    this.onCall = onCall;
  }

  /** Returns the tunnel that the client was offered while it waited. */
  Tunnel offer() {
    Tunnel tunnel = offer;
    if (tunnel == null) {
      throw new AssertionError("no tunnel was offered");
    }
    return tunnel;
  }

  boolean wasOffered() {
    return offer != null;
  }

  /** Returns why the client was dismissed, or null if it was not. */
  Tunnel.@Nullable End dismissal() {
    return dismissal;
  }

  @Override
  public void offered(Tunnel tunnel) {
    onCall.run();
    assertWaits();
    offer = tunnel;
  }

  @Override
  public void dismissed(Tunnel.End why) {
    onCall.run();
    assertWaits();
    dismissal = why;
  }

  private void assertWaits() {
    assertThat(offer).as("the tunnel that was offered before").isNull();
    assertThat(dismissal).as("the dismissal before").isNull();
  }
}
