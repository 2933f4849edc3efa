package io.rendezvous.tunnel;

import io.rendezvous.net.Relay;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** One client connection and the tunnel it was paired with. Any thread may ask. */
public final class Rendezvous {
  private static final AtomicLong NUMBERS = new AtomicLong();

  private final long number = NUMBERS.incrementAndGet();
  private final UUID id;
  private final InetSocketAddress client;
  private final Instant began;
  private final Duration wait;
  private final int attempt;
  private volatile @Nullable Relay relay; // until it is over
  private volatile long octetsIn;
  private volatile long octetsOut;
  private final long pairedAt = System.nanoTime();
  private volatile Duration lasted = Duration.ofNanos(-1);
  private volatile Duration latency = Duration.ofNanos(-1);
  private volatile Relay.@Nullable End end;

  /**
   * Creates one that begins now.
   *
   * @param id the hidden server
   * @param began what the clock says
   * @param wait how long the client had to wait for the tunnel, from its request on
   * @param attempt 1, or more where earlier tunnels gave no answer
   */
  public Rendezvous(
      UUID id, InetSocketAddress client, Instant began, Duration wait, int attempt, Relay relay) {
    this.id = id;
    this.client = client;
    this.began = began;
    this.wait = wait;
    this.attempt = attempt;
    this.relay = relay;
  }

  /** Says that the client's first octets went down the tunnel. */
  public void reach() {
    latency = wait.plusNanos(System.nanoTime() - pairedAt);
  }

  /** Says that it is over. */
  public void end() {
    octetsIn = octetsIn();
    octetsOut = octetsOut();
    Relay going = relay;
    end = going == null ? end : going.ended().orElse(null);
    relay = null;
    lasted = Duration.ofNanos(System.nanoTime() - pairedAt);
  }

  /** Returns a number that no other of this process has. */
  public long number() {
    return number;
  }

  /** Returns the hidden server. */
  public UUID id() {
    return id;
  }

  /** Returns where the client is. */
  public InetSocketAddress client() {
    return client;
  }

  /** Returns when it began. */
  public Instant began() {
    return began;
  }

  /** Returns how long the client had to wait for the tunnel, from its request on. */
  public Duration waited() {
    return wait;
  }

  /** Returns 1, or more where earlier tunnels gave no answer. */
  public int attempt() {
    return attempt;
  }

  /** Returns how long it took from the client's request until its first octets went down. */
  public Optional<Duration> latency() {
    Duration known = latency;
    return known.isNegative() ? Optional.empty() : Optional.of(known);
  }

  /** Returns how it has ended, once it is over; the client is the near side. */
  public Optional<Relay.End> ended() {
    return Optional.ofNullable(end);
  }

  /** Returns whether it goes on. */
  public boolean goesOn() {
    return lasted.isNegative();
  }

  /** Returns how long it has lasted. */
  public Duration lasted() {
    return goesOn() ? Duration.ofNanos(System.nanoTime() - pairedAt) : lasted;
  }

  /** Returns whether the hidden server has answered, once it is over. */
  public boolean wasAnswered() {
    return !goesOn() && octetsOut > 0;
  }

  /** Returns how many octets came from the client. */
  public long octetsIn() {
    Relay going = relay;
    return going == null ? octetsIn : going.octetsUp();
  }

  /** Returns how many octets went to the client. */
  public long octetsOut() {
    Relay going = relay;
    return going == null ? octetsOut : going.octetsDown();
  }
}
