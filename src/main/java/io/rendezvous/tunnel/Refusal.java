package io.rendezvous.tunnel;

import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.UUID;

/**
 * A request that was refused.
 *
 * @param side whose request it was
 * @param status the HTTP status of the answer
 * @param reason the reason in words, without anything that the peer has sent
 * @param from the peer's address
 * @param id the UUID that the request named, if it named one; it may belong to no entry
 */
public record Refusal(
    TunnelListener.Side side,
    int status,
    String reason,
    InetSocketAddress from,
    Optional<UUID> id) {}
