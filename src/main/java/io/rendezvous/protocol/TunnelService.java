package io.rendezvous.protocol;

import io.rendezvous.tunnel.TunnelRegistry;

/**
 * The tunnels of one protocol. Each protocol has its own service, so that its tunnels are never
 * mixed with those of another.
 *
 * @param registry keeps the parked tunnels
 * @param parking parks connections in the registry
 * @param matchmaker pairs clients with tunnels of the registry
 * @param requests records the requests that go through the tunnels
 */
public record TunnelService(
    TunnelRegistry registry, Parking parking, Matchmaker matchmaker, RequestRecords requests) {}
