package io.rendezvous.admin;

import io.rendezvous.config.Settings;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.Provisioner;
import io.rendezvous.http.undertow.LoopbackHost;
import io.rendezvous.http.undertow.UndertowServer;
import io.rendezvous.link.LinkIssuer;
import io.rendezvous.link.LinkKeyStore;
import io.rendezvous.net.DutyThread;
import io.rendezvous.net.FailureText;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.telemetry.ActivityFile;
import io.rendezvous.telemetry.ActivityLog;
import io.rendezvous.telemetry.RequestLog;
import io.rendezvous.tls.Tls;
import io.rendezvous.tls.keys.ServerCertificate;
import io.rendezvous.tunnel.Presence;
import io.undertow.server.HttpServerExchange;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The admin listener, which serves the admin page and the REST API: plain HTTP on a loopback
 * address, HTTPS on any other. {@link AdminRoutes} says what is served.
 *
 * <p>Any thread may call. The recurrent duties run on the thread {@code admin-tick}, and what
 * writes the file of activity on the thread {@code admin-save}.
 */
public final class AdminServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AdminServer.class);

  /** The maximum number of open connections. */
  public static final int MAX_CONNECTIONS = 256;

  /** A connection is identified once it has sent the token or a session. */
  private static final Listener.Limits LIMITS =
      new Listener.Limits(MAX_CONNECTIONS, MAX_CONNECTIONS / 2);

  /** How long the wait for a request, its head and its body may take, each. */
  private static final Duration MAX_TIME = Duration.ofSeconds(30);

  private static final Duration TICK = Duration.ofSeconds(1);
  private static final Duration SAVE_EVERY = Duration.ofMinutes(1);

  /** An IPv4 or IPv6 address as it stands in a URL. */
  private static final Pattern ADDRESS =
      Pattern.compile("[0-9.]+|\\[?[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*]?");

  private final EntryIndex index;
  private final Presence presence;
  private final Provisioner provisioner;
  private final ActivityLog activity;
  private final RequestLog requests;
  private final ActivityFile file;
  private final EventStream events;
  private final UndertowServer server;
  private final Listener listener;
  private final Optional<AdminLock> lock;
  private final DutyThread ticking = new DutyThread("admin-tick");
  private final DutyThread saving = new DutyThread("admin-save");

  /**
   * The parts of the broker that the admin listener shows and changes.
   *
   * @param store where entries are kept
   * @param index the entries of the store, in memory
   * @param provisioner creates provisioning files and URLs
   * @param presence the hidden servers that are connected
   * @param activity what the hidden servers have done
   * @param requests the latest requests
   */
  public record BrokerParts(
      EntryStore store,
      EntryIndex index,
      Provisioner provisioner,
      Presence presence,
      ActivityLog activity,
      RequestLog requests) {}

  /**
   * Starts to listen.
   *
   * @param certificate the broker's certificate, for an address that is not a loopback address
   * @param metrics returns the current values in Prometheus format
   * @throws IOException if the address is not available, or the token can be neither read nor
   *     created
   */
  public AdminServer(
      Settings settings,
      Optional<ServerCertificate> certificate,
      Network network,
      BrokerParts parts,
      BrokerView broker,
      Supplier<String> metrics,
      InstantSource clock)
      throws IOException {
    InetSocketAddress address =
        new InetSocketAddress(
            InetAddress.getByName(settings.admin().host()), settings.admin().port());
    boolean tls = !address.getAddress().isLoopbackAddress();
    this.index = parts.index();
    this.presence = parts.presence();
    this.provisioner = parts.provisioner();
    this.activity = parts.activity();
    this.requests = parts.requests();
    this.file = new ActivityFile(settings.admin().ledger(), activity);
    JsonViews views = new JsonViews(parts, clock);
    AdminAuth auth = new AdminAuth(AdminToken.of(settings.admin()), this::onAccepted, clock);
    this.events = new EventStream(parts, auth, views, () -> broker.toJson().toString());
    EntryAccess entries = new EntryAccess(parts.store(), index, events::refresh);
    LinkIssuer links =
        new LinkIssuer(new LinkKeyStore(settings, parts.store()), provisioner, clock);
    AdminRoutes routes =
        new AdminRoutes(
            auth,
            List.of(
                new Api(parts, entries, views, clock)::addTo,
                new ClientAccessApi(entries, views, links, settings.realm(), clock)::addTo),
            new EntrySearch(parts, views),
            events,
            broker,
            views,
            metrics);
    Predicate<String> isOwnName =
        tls
            ? ownNames(settings.admin().host(), provisioner, certificate.orElseThrow())
            : name -> false;
    this.server =
        new UndertowServer(
            network, user -> false, LoopbackHost.before(isOwnName, routes.handler()), MAX_TIME);
    this.listener =
        network.listen(
            address,
            tls ? Tls.accepting(network, certificate.orElseThrow().context()) : null,
            LIMITS,
            conn -> server.accept(conn, ByteBuffer.allocate(0), Optional.empty(), () -> {}));
    this.lock = takeLock(settings.admin(), listener.address().getPort());
    file.load();
    ticking.every(TICK, "counting the bytes of ongoing rendezvous", activity::tick);
    ticking.every(TICK, "sending events to admin pages", events::tick);
    saving.every(SAVE_EVERY, "saving the activity", this::save);
  }

  private void onAccepted(HttpServerExchange exchange) {
    server.identified(exchange);
  }

  /** Returns a test of whether a Host names this machine, where it may have several names. */
  private static Predicate<String> ownNames(
      String host, Provisioner provisioner, ServerCertificate certificate) {
    return name ->
        ADDRESS.matcher(name).matches()
            || name.equalsIgnoreCase(host)
            || name.equalsIgnoreCase(provisioner.publicHost())
            || certificate.names().stream().anyMatch(name::equalsIgnoreCase);
  }

  /**
   * Takes the lock of this directory. Without it, commands act as if no broker were running here,
   * and the file of activity belongs to another broker.
   */
  private static Optional<AdminLock> takeLock(Settings.AdminSettings settings, int port) {
    try {
      return Optional.of(AdminLock.take(settings, port));
    } catch (IOException e) {
      LOG.warn(
          "Commands in this directory do not find this broker, and its activity is not saved: {}",
          FailureText.of(e));
      return Optional.empty();
    }
  }

  /** Returns the URL of the page, without the token. */
  public String url() {
    InetSocketAddress address = listener.address();
    return url(address.getAddress(), provisioner.publicHost(), address.getPort());
  }

  /**
   * Returns the URL of an admin page, without the token.
   *
   * @param address the address that the page listens on
   * @param publicHost the host name of a page that listens on all addresses
   */
  public static String url(InetAddress address, String publicHost, int port) {
    String host = address.isAnyLocalAddress() ? publicHost : address.getHostAddress();
    return (address.isLoopbackAddress() ? "http://" : "https://")
        + (host.contains(":") ? "[" + host + "]" : host)
        + ":"
        + port
        + "/";
  }

  /** Forgets the activity of deleted entries, and saves the rest if this broker has the lock. */
  private void save() {
    try {
      Set<UUID> entries = index.all().keySet();
      activity.retain(entries);
      requests.retain(entries);
    } catch (IOException e) {
      LOG.debug("The store cannot be reached, so no activity is forgotten: {}", FailureText.of(e));
    }
    if (lock.isPresent()) {
      Map<UUID, Presence.Counts> counts = presence.counts();
      counts.values().removeIf(count -> !count.isOnline());
      file.save(counts.keySet());
    }
  }

  /** Saves the activity, stops listening, and closes connections once their request is answered. */
  @Override
  public void close() {
    ticking.close();
    if (saving.end()) {
      save();
    }
    listener.close();
    server.drain();
    lock.ifPresent(AdminLock::close);
  }
}
