package io.rendezvous.testing;

import io.rendezvous.Broker;
import io.rendezvous.config.Settings;
import io.rendezvous.config.SettingsException;
import io.rendezvous.config.SettingsLoader;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.FileStore;
import io.rendezvous.entry.Totp;
import io.rendezvous.link.LinkKey;
import io.rendezvous.link.LinkKeyStore;
import io.rendezvous.tunnel.TunnelListener;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** A broker on a free port of this machine, with a store of its own and one entry in it. */
public final class TestBroker implements AutoCloseable {
  private static final Pattern ACCEPTED =
      Pattern.compile("(?m)^rendezvous_connections_accepted_total (\\S+)$");

  private final Path directory;
  private final EntryStore store;
  private final LinkKeyStore linkKeys;
  private final Broker broker;
  private final boolean tls;
  private final Entry entry;
  private final SteppedClock clock;
  private final Placed placed = new Placed();

  private TestBroker(
      Map<String, String> given,
      @Nullable EntryStore other,
      SteppedClock clock,
      List<TunnelListener> observers)
      throws IOException, SettingsException {
    this.clock = clock;
    this.directory = Files.createTempDirectory("rendezvous-test");
    Map<String, String> all = new HashMap<>(given);
    all.putIfAbsent("rendezvous.host", "127.0.0.1");
    all.putIfAbsent("rendezvous.port", "0");
    all.putIfAbsent("rendezvous.registrar.port", "0");
    all.putIfAbsent("rendezvous.registrar.tcp-port", "0");
    all.putIfAbsent("rendezvous.admin.enabled", "false");
    all.putIfAbsent("rendezvous.admin.port", "0");
    all.putIfAbsent(
        "rendezvous.tls.certificate", Keys.directory().resolve("registrar.crt").toString());
    all.putIfAbsent("rendezvous.tls.key", Keys.directory().resolve("registrar.key").toString());
    all.putIfAbsent("rendezvous.admin.ledger", directory.resolve("ledger.json").toString());
    all.putIfAbsent("rendezvous.access-log.enabled", "false");
    Settings settings = SettingsLoader.load(all);
    this.tls = settings.tls().enabled();
    this.store = other == null ? new FileStore(directory.resolve("entries")) : other;
    this.linkKeys = new LinkKeyStore(settings, store);
    this.entry = addEntry();
    List<TunnelListener> allObservers = new ArrayList<>(observers);
    allObservers.add(placed);
    this.broker =
        new Broker(
            settings,
            store,
            tls ? Optional.of(Keys.server()) : Optional.empty(),
            clock,
            allObservers);
    broker.start();
  }

  /** Starts one with settings given as key and value, without their prefix. */
  public static TestBroker start(String... keysAndValues) throws IOException, SettingsException {
    return startOn(null, new SteppedClock(), keysAndValues);
  }

  /** Starts one on another store than one of files. */
  public static TestBroker startOn(
      @Nullable EntryStore store, SteppedClock clock, String... keysAndValues)
      throws IOException, SettingsException {
    return startObserved(store, clock, List.of(), keysAndValues);
  }

  /** Starts one with observers. */
  public static TestBroker startObserved(
      @Nullable EntryStore store,
      SteppedClock clock,
      List<TunnelListener> observers,
      String... keysAndValues)
      throws IOException, SettingsException {
    Map<String, String> given = new HashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      given.put("rendezvous." + keysAndValues[i], keysAndValues[i + 1]);
    }
    return new TestBroker(given, store, clock, observers);
  }

  /** Adds an entry. */
  public Entry addEntry() throws IOException {
    return add(List.of(), 8, List.of());
  }

  /** Adds an entry with short tokens, as those of 2013 are. The broker parks its tunnels later. */
  public Entry addOldEntry() throws IOException {
    return add(List.of(), 6, List.of());
  }

  /** Adds an entry with labels. */
  public Entry addLabelled(String... labels) throws IOException {
    return add(List.of(labels), 8, List.of());
  }

  /** Adds an entry with flags such as {@code proxyProtocol}. */
  public Entry addEntry(List<String> flags) throws IOException {
    return add(List.of(), 8, flags);
  }

  private Entry add(List<String> labels, int digits, List<String> flags) throws IOException {
    Entry added = Entry.create(UUID.randomUUID(), labels, digits, Instant.now(), flags);
    store.create(added);
    return added;
  }

  /** Returns the entry that is always there. */
  public Entry entry() {
    return entry;
  }

  /** Returns the UUID of the entry that is always there. */
  public UUID id() {
    return entry.id();
  }

  /** Returns the broker's own store. */
  public EntryStore store() {
    return store;
  }

  /** Returns the broker's key of links, as a command would read it. */
  public LinkKey linkKey() throws IOException {
    return linkKeys.get();
  }

  /** Writes an entry into the directory of entries, whatever others are there. */
  public void putEntry(Entry written) throws IOException {
    Files.writeString(
        directory.resolve("entries").resolve(written.id() + ".json"), written.toJson());
  }

  /** Takes the directory of entries away, as a disk that is not mounted would. */
  public void loseStore() throws IOException {
    Files.move(directory.resolve("entries"), directory.resolve("lost"));
  }

  /** Returns the broker. */
  public Broker broker() {
    return broker;
  }

  /** Returns the clock that the broker's tokens go by. */
  public SteppedClock clock() {
    return clock;
  }

  /** Returns its port. */
  public int port() {
    return broker.address().getPort();
  }

  /** Begins to say how to connect. */
  public Peer.Dial dial() {
    return Peer.to(port());
  }

  /** Connects. */
  public Peer connect() throws IOException {
    return connect(dial());
  }

  /** Connects in a certain way. */
  public Peer connect(Peer.Dial how) throws IOException {
    return tls ? how.tls(Keys.trust()) : how.plain();
  }

  /**
   * Connects without TLS, and waits until the broker has counted the connection. Without the wait,
   * it may count a later one first, since its I/O threads accept side by side.
   */
  public Peer connectCounted(Peer.Dial how) throws IOException {
    long before = accepted();
    Peer peer = how.plain();
    Awaitility.await().until(() -> accepted() > before);
    return peer;
  }

  /** Returns how many connections were accepted so far, on whichever port. */
  private long accepted() {
    Matcher matcher = ACCEPTED.matcher(broker.metrics().scrape());
    if (!matcher.find()) {
      throw new IllegalStateException("accepted connections are not counted");
    }
    return (long) Double.parseDouble(matcher.group(1));
  }

  /** Returns a token of this moment. */
  public String token(Entry of) {
    Totp totp = of.totp();
    return totp.token(totp.stepAt(clock.instant().getEpochSecond()), totp.digits());
  }

  /** Returns the head that parks a tunnel of the entry. */
  public String connectHead(Entry of) {
    return "CONNECT uuid:" + of.id() + "?response=" + token(of) + " HTTP/1.1\r\n\r\n";
  }

  /** Parks a tunnel. */
  public Peer park() throws IOException {
    return park(entry, dial());
  }

  /** Parks a tunnel of an entry. */
  public Peer park(Entry of) throws IOException {
    return park(of, dial());
  }

  /**
   * Parks a tunnel in a certain way. When this returns, the next client may have it: the broker
   * says 200 a moment before.
   */
  public Peer park(Entry of, Peer.Dial how) throws IOException {
    long before = placed.count(of.id());
    Peer tunnel = connect(how);
    String answer = tunnel.send(connectHead(of)).readHead();
    if (!answer.startsWith("HTTP/1.1 200 OK\r\n")) {
      throw new IOException("not parked: " + answer);
    }
    placed.awaitMoreThan(of.id(), before);
    return tunnel;
  }

  /** Returns the head of a request that names the entry unasked. */
  public String get(Entry of, String path) {
    return request("GET", of, path, "");
  }

  /** Returns the head of a request that names the entry unasked. */
  public String request(String method, Entry of, String path, String moreLines) {
    return method
        + " "
        + path
        + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Digest username=\""
        + of.id()
        + "\", realm=\"rendezvous\"\r\n"
        + moreLines
        + "\r\n";
  }

  /** Waits until so many tunnels are parked. */
  public void awaitParked(int count) {
    Awaitility.await().until(() -> broker.connected().totals().parked() == count);
  }

  /** Waits until so many clients wait for a tunnel. */
  public void awaitWaiting(int count) {
    Awaitility.await()
        .pollInterval(Duration.ofMillis(5))
        .until(
            () ->
                broker.connected().counts().values().stream().mapToInt(c -> c.waiting()).sum()
                    == count);
  }

  @Override
  public void close() throws IOException {
    broker.close();
    Directories.delete(directory);
  }

  /** Counts the tunnels of each entry that were ready for a client. */
  private static final class Placed implements TunnelListener {
    private final Map<UUID, Long> counts = new ConcurrentHashMap<>();

    @Override
    public void parked(UUID id, InetSocketAddress from) {
      counts.merge(id, 1L, Long::sum);
    }

    long count(UUID id) {
      return counts.getOrDefault(id, 0L);
    }

    void awaitMoreThan(UUID id, long before) {
      Awaitility.await().pollInterval(Duration.ofMillis(1)).until(() -> count(id) > before);
    }
  }

  /** A clock that goes on by itself, and can be put forward. */
  public static final class SteppedClock implements InstantSource {
    private volatile Duration ahead = Duration.ZERO;

    /** Puts it forward. */
    public void step(Duration by) {
      ahead = ahead.plus(by);
    }

    @Override
    public Instant instant() {
      return Instant.now().plus(ahead);
    }
  }
}
