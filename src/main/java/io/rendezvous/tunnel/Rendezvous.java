package io.rendezvous.tunnel;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The pairing of one client connection with one tunnel, while it goes on and after its end. Any
 * thread may call.
 */
public final class Rendezvous {
  /** How a rendezvous has ended. */
  public enum End {
    /** Both directions ended in order. */
    WHOLE,
    /** The client's connection broke. */
    CLIENT_BROKE,
    /** The tunnel broke. */
    SERVER_BROKE,
    /** No byte moved for too long. */
    STOOD_STILL,
    /** The entry was deleted, or its secret was revoked. */
    REVOKED,
    /** The broker stopped. */
    BROKER_ENDED,
    /** The tunnel ended before a single byte of an answer came from it. */
    UNANSWERED
  }

  /** Counts the bytes that are relayed. Any thread may call. */
  public interface Traffic {
    /** Returns how many bytes came from the client. */
    long bytesIn();

    /** Returns how many bytes went to the client. */
    long bytesOut();
  }

  private static final AtomicLong NUMBERS = new AtomicLong();

  private final long number = NUMBERS.incrementAndGet();
  private final UUID id;
  private final InetSocketAddress client;
  private final Instant began;
  private final Duration waited;
  private final int attempt;
  private final LongSupplier ticker;
  private final long pairedAt;
  private volatile @Nullable Traffic traffic; // until it is over
  private volatile long bytesIn;
  private volatile long bytesOut;
  private volatile Duration lasted = Duration.ofNanos(-1);
  private volatile Duration latency = Duration.ofNanos(-1);
  private volatile @Nullable End end;

  /**
   * Creates a rendezvous that begins now.
   *
   * @param id the hidden server's UUID
   * @param began the time of day
   * @param waited how long the client waited for the tunnel, from its request on
   * @param attempt 1, or more where earlier tunnels gave no answer
   * @param ticker tells nanoseconds, as {@link System#nanoTime} does
   */
  public Rendezvous(
      UUID id,
      InetSocketAddress client,
      Instant began,
      Duration waited,
      int attempt,
      Traffic traffic,
      LongSupplier ticker) {
    this.id = id;
    this.client = client;
    this.began = began;
    this.waited = waited;
    this.attempt = attempt;
    this.traffic = traffic;
    this.ticker = ticker;
    this.pairedAt = ticker.getAsLong();
  }

  /** Records that the client's first bytes were written to the tunnel. */
  public void reached() {
    latency = waited.plus(sincePaired());
  }

  /** Records the end. */
  public void over(End how) {
    bytesIn = bytesIn();
    bytesOut = bytesOut();
    end = how;
    traffic = null;
    lasted = sincePaired();
  }

  private Duration sincePaired() {
    return Duration.ofNanos(ticker.getAsLong() - pairedAt);
  }

  /** Returns a number that no other rendezvous of this process has. */
  public long number() {
    return number;
  }

  /** Returns the hidden server's UUID. */
  public UUID id() {
    return id;
  }

  /** Returns the client's address. */
  public InetSocketAddress client() {
    return client;
  }

  /** Returns the time of day when it began. */
  public Instant began() {
    return began;
  }

  /** Returns how long the client waited for the tunnel, from its request on. */
  public Duration waited() {
    return waited;
  }

  /** Returns which attempt it was: 1, or more where earlier tunnels gave no answer. */
  public int attempt() {
    return attempt;
  }

  /**
   * Returns the time from the client's request until its first bytes were written to the tunnel.
   */
  public Optional<Duration> latency() {
    Duration known = latency;
    return known.isNegative() ? Optional.empty() : Optional.of(known);
  }

  /** Returns how it ended, once it is over. */
  public Optional<End> ended() {
    return Optional.ofNullable(end);
  }

  /** Returns whether it has not ended. */
  public boolean goesOn() {
    return lasted.isNegative();
  }

  /** Returns how long it has lasted, from the pairing to the end or until now. */
  public Duration lasted() {
    Duration known = lasted;
    return known.isNegative() ? sincePaired() : known;
  }

  /** Returns whether the hidden server has answered, once it is over. */
  public boolean wasAnswered() {
    return !goesOn() && bytesOut > 0;
  }

  /** Returns how many bytes came from the client. */
  public long bytesIn() {
    Traffic going = traffic;
    return going == null ? bytesIn : going.bytesIn();
  }

  /** Returns how many bytes went to the client. */
  public long bytesOut() {
    Traffic going = traffic;
    return going == null ? bytesOut : going.bytesOut();
  }
}
