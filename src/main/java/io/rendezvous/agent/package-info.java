/**
 * The hidden server's side: keeps tunnels parked at a broker and serves the clients that take them.
 * A Java program uses this package as a library to become a hidden server without opening a port;
 * the command {@code agent} is built on it.
 *
 * <h2>API</h2>
 *
 * <p>Begin with {@link io.rendezvous.agent.HiddenServer}. The API of the library consists of the
 * following types; the change log names each change to them:
 *
 * <ul>
 *   <li>in this package, {@link io.rendezvous.agent.HiddenServer} with its builder, {@link
 *       io.rendezvous.agent.Status}, {@link io.rendezvous.agent.Event}, {@link
 *       io.rendezvous.agent.Address} and {@link io.rendezvous.agent.AcceptedSockets};
 *   <li>for what a hidden server is created from, {@link io.rendezvous.entry.Provisioning} (with
 *       {@link io.rendezvous.entry.Totp} and {@link io.rendezvous.entry.LocalTarget}), {@link
 *       io.rendezvous.tls.keys.TrustedCertificates} (its factory methods), {@link
 *       io.rendezvous.http.proxy.ReverseProxy.Options}, {@link io.rendezvous.net.Network} (its
 *       constructor and {@code close}), and {@link io.rendezvous.agent.requests.RequestHistory}
 *       (its constructor).
 * </ul>
 *
 * <p>Everything else in this jar is the broker, or the inside of the agent, and may change at any
 * time even where it is public.
 *
 * <h2>Dependencies and logging</h2>
 *
 * <p>The library needs Undertow, Jackson and SLF4J's API. It logs through SLF4J and brings no
 * binding, so it logs nothing until the program has one. Undertow and XNIO log through JBoss
 * Logging, which follows SLF4J if the system property {@code org.jboss.logging.provider} is {@code
 * slf4j}.
 */
@NullMarked
package io.rendezvous.agent;

import org.jspecify.annotations.NullMarked;
