package io.rendezvous.agent;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.undertow.ReverseProxy;
import io.rendezvous.http.undertow.UndertowServer;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.Network;
import io.rendezvous.net.unix.UnixDialer;
import io.rendezvous.tls.keys.TrustedCertificates;
import io.undertow.server.HttpHandler;
import io.undertow.server.handlers.AllowedMethodsHandler;
import io.undertow.server.handlers.resource.PathResourceManager;
import io.undertow.server.handlers.resource.ResourceHandler;
import io.undertow.util.Methods;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A hidden server in this process: it keeps tunnels parked at a broker, and serves the clients that
 * take them. A program becomes one in a few lines, without opening a port:
 *
 * <pre>{@code
 * Provisioning entry = Provisioning.parse(Files.readString(Path.of("home.json")));
 * try (HiddenServer server = HiddenServer.of(entry).serve(exchange -> …)) {
 *   …
 * }
 * }</pre>
 *
 * <p>It never gives up: what fails is tried again, later and later, up to half a minute. Any thread
 * may call its methods.
 */
public final class HiddenServer implements AutoCloseable {
  private static final int IO_THREADS = 2;

  private final Agent agent;
  private final Optional<Network> own;

  private HiddenServer(Agent agent, Optional<Network> own) {
    this.agent = agent;
    this.own = own;
  }

  /** Begins to describe the hidden server of an entry. */
  public static Builder of(Provisioning entry) {
    return new Builder(entry);
  }

  /** Returns how it is doing. */
  public Status status() {
    return agent.status();
  }

  /** Closes the parked tunnels, opens no more, and lets what goes on finish, for half a minute. */
  @Override
  public void close() {
    agent.close();
    own.ifPresent(Network::close);
  }

  /** What a hidden server is like. */
  public static final class Builder {
    private final Provisioning entry;
    private @Nullable Address broker;
    private @Nullable TrustedCertificates trust;
    private @Nullable Network shared;
    private int tunnels = 8;
    private int most = 32;
    private Consumer<Event> events = event -> {};

    private Builder(Provisioning entry) {
      this.entry = entry;
    }

    /** Sets where the broker listens, in place of where the entry says. */
    public Builder at(Address broker) {
      this.broker = broker;
      return this;
    }

    /** Sets whose certificates the broker is believed by, in place of what the entry says. */
    public Builder trusting(TrustedCertificates trust) {
      this.trust = trust;
      return this;
    }

    /** Sets whose threads it runs on, in place of its own; the caller closes them in the end. */
    public Builder on(Network network) {
      this.shared = network;
      return this;
    }

    /**
     * Sets how many tunnels are kept parked; 8 if nothing is said.
     *
     * @throws IllegalArgumentException if that is less than one
     */
    public Builder tunnels(int count) {
      if (count < 1) {
        throw new IllegalArgumentException("tunnels < 1: " + count);
      }
      this.tunnels = count;
      return this;
    }

    /** Sets up to how many, while clients take them faster than they come back; 32. */
    public Builder mostTunnels(int count) {
      this.most = count;
      return this;
    }

    /** Sets who is told what happens, on any thread. It must not block. */
    public Builder events(Consumer<Event> events) {
      this.events = events;
      return this;
    }

    /**
     * Starts to serve HTTP. The handler runs on an I/O thread, as Undertow has it: one that blocks
     * has to dispatch. It never sees the credential that clients give the broker.
     *
     * @throws IOException if the entry's certificate cannot be read, or no threads can be had
     */
    public HiddenServer serve(HttpHandler handler) throws IOException {
      return http((network, events) -> handler);
    }

    private HiddenServer http(BiFunction<Network, EventLog, HttpHandler> handler)
        throws IOException {
      return start(
          (network, events) ->
              new HttpTarget(
                  new UndertowServer(network, userNames(), handler.apply(network, events))));
    }

    /**
     * Starts to pass HTTP on to a local server.
     *
     * @param local {@code http://HOST:PORT} or {@code https://HOST:PORT}
     * @param how what is changed on the way
     * @throws IOException if the entry's certificate cannot be read, or no threads can be had
     * @throws IllegalArgumentException if the URI is neither
     */
    public HiddenServer proxy(URI local, ReverseProxy.Options how) throws IOException {
      boolean tls = "https".equals(local.getScheme());
      Address address = Address.parse(local.toString(), tls ? "https" : "http");
      String name = address.toString();
      TrustedCertificates believed = tls ? how.trustedCertificates() : null;
      return proxy(
          network -> new ReverseProxy.LocalServer(name, name, address.dialer(network, believed)),
          how);
    }

    /**
     * Starts to pass HTTP on to a local server on a Unix-domain socket.
     *
     * @param how what is changed on the way
     * @throws IOException if the entry's certificate cannot be read, or no threads can be had
     */
    public HiddenServer proxy(Path unixSocket, ReverseProxy.Options how) throws IOException {
      return proxy(
          network ->
              new ReverseProxy.LocalServer(
                  unixSocket.toString(), "localhost", new UnixDialer(network, unixSocket)),
          how);
    }

    private HiddenServer proxy(
        Function<Network, ReverseProxy.LocalServer> local, ReverseProxy.Options how)
        throws IOException {
      return http(
          (network, events) -> {
            Consumer<String> failed = why -> events.tell(Event.Kind.LOCAL_FAILED, why);
            return ReverseProxy.to(local.apply(network), how, network, failed);
          });
    }

    /**
     * Starts to serve the files of a directory.
     *
     * @throws IOException if the entry's certificate cannot be read, or no threads can be had
     * @throws IllegalArgumentException if there is no such directory
     */
    public HiddenServer files(Path directory) throws IOException {
      if (!Files.isDirectory(directory)) {
        throw new IllegalArgumentException("there is no directory " + directory);
      }
      HttpHandler files =
          new ResourceHandler(new PathResourceManager(directory)).setDirectoryListingEnabled(true);
      return serve(new AllowedMethodsHandler(files, Methods.GET, Methods.HEAD));
    }

    /**
     * Starts to relay octets to a local server, with a connection to it for each tunnel.
     *
     * @param passHeader whether the local server is sent the PROXY header that an entry may ask
     *     for; else it is dropped
     * @throws IOException if the entry's certificate cannot be read, or no threads can be had
     */
    public HiddenServer relay(Address local, boolean passHeader) throws IOException {
      return relay(network -> local.dialer(network, null), passHeader);
    }

    /**
     * Starts to relay octets to a local server on a Unix-domain socket, with a connection to it for
     * each tunnel.
     *
     * @param passHeader as for a server with an address
     * @throws IOException if the entry's certificate cannot be read, or no threads can be had
     */
    public HiddenServer relay(Path unixSocket, boolean passHeader) throws IOException {
      return relay(network -> new UnixDialer(network, unixSocket), passHeader);
    }

    private HiddenServer relay(Function<Network, Dialer> local, boolean passHeader)
        throws IOException {
      return start(
          (network, events) ->
              new TcpTarget(local.apply(network)::dialBeside, passHeader, network));
    }

    /**
     * Starts to relay octets to a server of this process, which takes its connections from there. A
     * PROXY header that an entry may ask for comes with them.
     *
     * @throws IOException if the entry's certificate cannot be read, or no threads can be had
     */
    public HiddenServer relay(AcceptedSockets clients) throws IOException {
      return start((network, events) -> new TcpTarget(clients.on(network), true, network));
    }

    private interface Making {
      Target target(Network network, EventLog events);
    }

    private HiddenServer start(Making making) throws IOException {
      TrustedCertificates believed = trust != null ? trust : TrustedCertificates.in(entry.ca());
      Network given = shared;
      Network network = given == null ? new Network("agent", IO_THREADS) : given;
      InstantSource clock = InstantSource.system();
      Address at = broker != null ? broker : new Address(entry.host(), entry.port());
      Agent.Plan plan =
          new Agent.Plan(entry.id(), entry.totp(), at, believed, tunnels, Math.max(tunnels, most));
      EventLog told = new EventLog(clock, events);
      Agent agent =
          new Agent(plan, making.target(network, told), network, clock, System::nanoTime, told);
      agent.start();
      return new HiddenServer(agent, given == null ? Optional.of(network) : Optional.empty());
    }

    /** By its UUID, or one of its labels, a client names it to the broker (PROTOCOL 1.2). */
    private Predicate<String> userNames() {
      Set<String> names = new HashSet<>();
      names.add(entry.id().toString());
      entry.labels().forEach(label -> names.add(label.toLowerCase(Locale.ROOT)));
      return user -> names.contains(user.toLowerCase(Locale.ROOT));
    }
  }
}
