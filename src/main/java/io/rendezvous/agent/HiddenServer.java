package io.rendezvous.agent;

import io.rendezvous.agent.requests.RequestHistory;
import io.rendezvous.entry.Label;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.proxy.ReverseProxy;
import io.rendezvous.http.relay.HttpRelay;
import io.rendezvous.http.relay.RequestObservers;
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
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A hidden server in this process: it keeps tunnels parked at a broker and serves the clients that
 * take them, without opening a port. A program becomes one in a few lines:
 *
 * <pre>{@code
 * Provisioning entry = Provisioning.parse(Files.readString(Path.of("home.json")));
 * try (HiddenServer server =
 *     HiddenServer.of(entry).serve(exchange -> exchange.getResponseSender().send("Hello\n"))) {
 *   Thread.currentThread().join();
 * }
 * }</pre>
 *
 * <p>It never gives up: after every failure it tries again, at growing intervals of up to half a
 * minute. {@link Builder#events} tells what happens, and {@link #status} how things are. Any thread
 * may call.
 */
public final class HiddenServer implements AutoCloseable {
  private static final int IO_THREADS = 2;

  private final Agent agent;
  private final Optional<LocalServerWatch> watch;
  private final Optional<Network> ownNetwork;

  private HiddenServer(
      Agent agent, Optional<LocalServerWatch> watch, Optional<Network> ownNetwork) {
    this.agent = agent;
    this.watch = watch;
    this.ownNetwork = ownNetwork;
  }

  /**
   * Returns a builder of the hidden server that a provisioning file describes. One of its methods
   * that say what clients reach ({@code serve}, {@code proxy}, {@code files}, {@code relay}) starts
   * it.
   */
  public static Builder of(Provisioning entry) {
    return new Builder(entry);
  }

  /** Returns how the hidden server is doing now. */
  public Status status() {
    return agent.status();
  }

  /**
   * Closes the parked tunnels, opens no more, and waits up to half a minute for those in use to
   * end; those that are left are cut off. Blocks.
   */
  @Override
  public void close() {
    watch.ifPresent(LocalServerWatch::close);
    agent.close();
    ownNetwork.ifPresent(Network::close);
  }

  /** Configures a hidden server, and starts it. */
  public static final class Builder {
    private static final int DEFAULT_TUNNELS = 8;
    private static final int DEFAULT_MAX_TUNNELS = 32;

    private final Provisioning entry;
    private @Nullable Address broker;
    private @Nullable TrustedCertificates trusted;
    private @Nullable Network sharedNetwork;
    private int tunnels = DEFAULT_TUNNELS;
    private int maxTunnels = DEFAULT_MAX_TUNNELS;
    private boolean watched;
    private @Nullable Function<Network, Dialer> local; // to be watched
    private @Nullable RequestHistory history;
    private String historyName = "";
    private Consumer<Event> listener = event -> {};

    private Builder(Provisioning entry) {
      this.entry = entry;
    }

    /** Sets the broker's address. The default is the one in the provisioning file. */
    public Builder at(Address broker) {
      this.broker = broker;
      return this;
    }

    /**
     * Sets the certificates that the broker's is verified with. The default is the one in the
     * provisioning file, or else those that Java trusts.
     */
    public Builder trusting(TrustedCertificates trusted) {
      this.trusted = trusted;
      return this;
    }

    /**
     * Sets the threads on which the hidden server runs, so that several can share them. The caller
     * closes the network after the hidden servers. By default each has two I/O threads of its own.
     */
    public Builder on(Network network) {
      this.sharedNetwork = network;
      return this;
    }

    /**
     * Sets how many tunnels are kept parked. The default is 8.
     *
     * @throws IllegalArgumentException if the count is less than 1
     */
    public Builder tunnels(int count) {
      if (count < 1) {
        throw new IllegalArgumentException("tunnels < 1: " + count);
      }
      this.tunnels = count;
      return this;
    }

    /**
     * Sets how many tunnels are kept parked at most, while clients take them faster than new ones
     * are parked. The default is 32.
     */
    public Builder maxTunnels(int count) {
      this.maxTunnels = count;
      return this;
    }

    /**
     * Watches a local server that is reached by {@code relay} or {@code proxy}: events tell when
     * nothing listens there, at the start too, and when that is over. By default only clients find
     * out.
     */
    public Builder watchLocalServer() {
      this.watched = true;
      return this;
    }

    /**
     * Keeps the latest requests in a history, if the hidden server is a reverse proxy. By default
     * nothing is kept.
     *
     * @param entry the name of the hidden server in the history
     */
    public Builder history(RequestHistory history, String entry) {
      this.history = history;
      this.historyName = entry;
      return this;
    }

    /** Sets a listener that is told what happens, on any thread. It must not block. */
    public Builder events(Consumer<Event> listener) {
      this.listener = listener;
      return this;
    }

    /**
     * Starts a hidden server whose HTTP requests a handler serves. The handler runs on an I/O
     * thread, as always in Undertow: to block, it dispatches. It does not see the credential that
     * clients give the broker.
     *
     * @throws IOException if the certificate in the provisioning file cannot be read, or threads
     *     cannot be started
     */
    public HiddenServer serve(HttpHandler handler) throws IOException {
      return start(
          (network, events) ->
              new HttpTarget(new UndertowServer(network, this::isUserName, handler)));
    }

    /**
     * Starts a hidden server that is a reverse proxy for a local HTTP server.
     *
     * @param local {@code http://HOST:PORT} or {@code https://HOST:PORT}
     * @param options how requests are passed on
     * @throws IOException if the certificate in the provisioning file cannot be read, or threads
     *     cannot be started
     * @throws IllegalArgumentException if the URI has another form
     */
    public HiddenServer proxy(URI local, ReverseProxy.Options options) throws IOException {
      boolean tls = "https".equals(local.getScheme());
      Address address = Address.parse(local.toString(), tls ? "https" : "http");
      String name = address.toString();
      TrustedCertificates localTrusted = tls ? options.trustedCertificates() : null;
      return proxy(
          network ->
              new ReverseProxy.LocalServer(name, name, tls, address.dialer(network, localTrusted)),
          options);
    }

    /**
     * Starts a hidden server that is a reverse proxy for a local HTTP server on a Unix-domain
     * socket.
     *
     * @param options how requests are passed on
     * @throws IOException if the certificate in the provisioning file cannot be read, or threads
     *     cannot be started
     */
    public HiddenServer proxy(Path unixSocket, ReverseProxy.Options options) throws IOException {
      return proxy(
          network ->
              new ReverseProxy.LocalServer(
                  unixSocket.toString(), "localhost", false, new UnixDialer(network, unixSocket)),
          options);
    }

    private HiddenServer proxy(
        Function<Network, ReverseProxy.LocalServer> local, ReverseProxy.Options options)
        throws IOException {
      this.local = network -> local.apply(network).dialer();
      return start(
          (network, events) -> {
            Consumer<String> onFailure = why -> events.tell(Event.Kind.LOCAL_FAILED, why);
            return new ProxyTarget(
                network, context -> proxy(local.apply(network), options, onFailure, context));
          });
    }

    private ReverseProxy proxy(
        ReverseProxy.LocalServer server,
        ReverseProxy.Options options,
        Consumer<String> onFailure,
        HttpRelay.Context context) {
      RequestHistory kept = history;
      RequestObservers observers =
          kept == null ? RequestObservers.NONE : kept.observers(historyName, server.dialer());
      return new ReverseProxy(server, options, this::isUserName, onFailure, context, observers);
    }

    /**
     * Starts a hidden server that serves the files of a directory, and directory listings.
     *
     * @throws IOException if the certificate in the provisioning file cannot be read, or threads
     *     cannot be started
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
     * Starts a hidden server that relays bytes to a local server, with a connection of its own for
     * each tunnel.
     *
     * @param passHeader whether the local server is sent the PROXY header, if the entry asks for
     *     one; otherwise it is dropped
     * @throws IOException if the certificate in the provisioning file cannot be read, or threads
     *     cannot be started
     */
    public HiddenServer relay(Address local, boolean passHeader) throws IOException {
      return relay(network -> local.dialer(network, null), passHeader);
    }

    /**
     * Starts a hidden server that relays bytes to a local server on a Unix-domain socket, with a
     * connection of its own for each tunnel.
     *
     * @param passHeader whether the local server is sent the PROXY header, if the entry asks for
     *     one; otherwise it is dropped
     * @throws IOException if the certificate in the provisioning file cannot be read, or threads
     *     cannot be started
     */
    public HiddenServer relay(Path unixSocket, boolean passHeader) throws IOException {
      return relay(network -> new UnixDialer(network, unixSocket), passHeader);
    }

    private HiddenServer relay(Function<Network, Dialer> local, boolean passHeader)
        throws IOException {
      this.local = local;
      return start(
          (network, events) ->
              new TcpTarget(local.apply(network)::dialBeside, passHeader, network));
    }

    /**
     * Starts a hidden server that relays bytes to a server of this process, which takes its
     * connections from the given object. If the entry asks for a PROXY header, each connection
     * begins with one.
     *
     * @throws IOException if the certificate in the provisioning file cannot be read, or threads
     *     cannot be started
     */
    public HiddenServer relay(AcceptedSockets clients) throws IOException {
      return start((network, events) -> new TcpTarget(clients.on(network), true, network));
    }

    private interface TargetFactory {
      Target create(Network network, EventLog events);
    }

    private HiddenServer start(TargetFactory targets) throws IOException {
      Agent.Plan plan = plan();
      Network shared = sharedNetwork;
      Network network = shared == null ? new Network("agent", IO_THREADS) : shared;
      InstantSource clock = InstantSource.system();
      EventLog events = new EventLog(clock, listener);
      Target target = targets.create(network, events);
      Agent agent = new Agent(plan, target, network, clock, System::nanoTime, events);
      agent.start();
      Optional<LocalServerWatch> watch = watch(network, events);
      return new HiddenServer(
          agent, watch, shared == null ? Optional.of(network) : Optional.empty());
    }

    private Optional<LocalServerWatch> watch(Network network, EventLog events) {
      Function<Network, Dialer> watchedServer = local;
      if (!watched || watchedServer == null) {
        return Optional.empty();
      }
      LocalServerWatch watch = new LocalServerWatch(watchedServer.apply(network), network, events);
      events.onLocalFailure(watch::look);
      watch.look();
      return Optional.of(watch);
    }

    private Agent.Plan plan() throws IOException {
      return new Agent.Plan(
          entry.id(),
          entry.totp(),
          broker != null ? broker : new Address(entry.host(), entry.port()),
          trusted != null ? trusted : TrustedCertificates.in(entry.ca()),
          tunnels,
          Math.max(tunnels, maxTunnels));
    }

    /** Returns whether clients may give the broker this user name (protocol.md, 1.2). */
    private boolean isUserName(String name) {
      return name.equalsIgnoreCase(entry.id().toString())
          || entry.labels().stream().map(Label::nameOf).anyMatch(name::equalsIgnoreCase);
    }
  }
}
