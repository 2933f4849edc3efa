package io.rendezvous.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import io.smallrye.config.WithParentName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * All settings of the broker. Each is a key {@code rendezvous.…}, which {@link SettingsLoader}
 * reads and {@code conf/rendezvous.properties.example} explains. Immutable.
 */
@ConfigMapping(prefix = SettingsLoader.PREFIX)
public interface Settings {
  /** The address that the broker listens on. */
  @WithDefault("0.0.0.0")
  String host();

  /** The port that the broker listens on; 0 means any free port. */
  @WithDefault("8899")
  int port();

  /** TLS on the broker's port. */
  TlsSettings tls();

  /** The host name under which hidden servers and clients reach the broker. */
  Optional<String> publicHost();

  /** The store of entries. */
  StoreSettings store();

  /** The realm of the challenge, which browsers show to their users. */
  @WithDefault("rendezvous")
  String realm();

  /** The domain whose subdomains are labels: {@code LABEL.DOMAIN}. */
  Optional<String> domain();

  /** The time that a client waits for a tunnel of a connected ID. */
  @WithDefault("5s")
  @WithName("wait")
  Duration patience();

  /** The time that one direction of a relay may be silent after the other has ended. */
  @WithDefault("2m")
  Duration linger();

  /** The time after which a relay ends if waiting bytes are left unread. */
  @WithDefault("10m")
  Duration stall();

  /** How clients are relayed if their entry does not say so (protocol.md, 1.7). */
  @WithDefault("raw")
  RelayMode relay();

  /** The time that transfers are given after SIGTERM. */
  @WithDefault("30s")
  Duration drain();

  /** The maximum number of parked tunnels per ID. */
  @WithDefault("64")
  int tunnelsPerId();

  /** The maximum age of a parked tunnel. */
  @WithDefault("10m")
  Duration tunnelAge();

  /** The silence after which a parked tunnel is probed; zero means never. */
  @WithDefault("10s")
  Duration probe();

  /** Limits on wrong tokens. */
  GuessSettings guesses();

  /** Limits on connections, tunnels and waiting clients. */
  LimitSettings limits();

  /** The admin page, with the REST API, metrics and health checks. */
  AdminSettings admin();

  /** Metrics. */
  MetricsSettings metrics();

  /** The access log, with one line per rendezvous and request. */
  AccessLogSettings accessLog();

  /** Whether requests are shown on the admin page and written to the access log. */
  @WithDefault("on")
  Switch requests();

  /** The webhook that is notified of hidden servers coming and going. */
  HookSettings hooks();

  /** The registrar and its cookies (protocol.md, 2). */
  RegistrarSettings registrar();

  /** TAAS (protocol.md, 3). */
  TaasSettings taas();

  /** Whether something is on. */
  enum Switch {
    /** It is. */
    ON,
    /** It is not. */
    OFF
  }

  /** TLS on the broker's port. */
  interface TlsSettings {
    /** The default of {@link #certificate}. */
    String DEFAULT_CERTIFICATE = "conf/registrar.crt";

    /** The default of {@link #key}. */
    String DEFAULT_KEY = "conf/registrar.key";

    /** Whether TLS is on. Without it the broker listens on loopback addresses only. */
    @WithDefault("true")
    boolean enabled();

    /** The PEM file of the certificate and its chain. */
    @WithDefault(DEFAULT_CERTIFICATE)
    Path certificate();

    /** The PEM file of the private key. */
    @WithDefault(DEFAULT_KEY)
    Path key();
  }

  /** The store of entries. */
  interface StoreSettings {
    /** The default of {@link #location}. */
    String DEFAULT_LOCATION = "file:data/entries";

    /** The location: {@code file:DIRECTORY}, {@code redis://…} or {@code rediss://…}. */
    @WithParentName
    @WithDefault(DEFAULT_LOCATION)
    String location();

    /** The time that an entry stays valid after it was last read if the store is unreachable. */
    @WithDefault("15m")
    Duration grace();
  }

  /** Limits on wrong tokens. */
  interface GuessSettings {
    /** Failures per source and minute after which the source has to wait. */
    @WithDefault("10")
    int perSource();

    /** Failures per UUID and day after which short tokens from unknown sources are refused. */
    @WithDefault("100")
    int perUuid();
  }

  /** Limits on connections, tunnels and waiting clients. */
  interface LimitSettings {
    /** The maximum number of open connections; 0 means as many as descriptors and heap allow. */
    @WithDefault("0")
    int connections();

    /** The maximum number of connections per source that are neither parked nor paired. */
    @WithDefault("256")
    int perSource();

    /** The maximum number of parked tunnels; 0 means as many as there may be connections. */
    @WithDefault("0")
    int parked();

    /** The maximum number of clients that wait for one ID. */
    @WithDefault("64")
    int waitingPerId();
  }

  /** The admin page, with the REST API, metrics and health checks. */
  interface AdminSettings {
    /** The value of {@link #token} that turns the token off. */
    String NO_TOKEN = "none";

    /** The default of {@link #tokenFile}. */
    String DEFAULT_TOKEN_FILE = "data/admin.token";

    /** The default of {@link #ledger}. */
    String DEFAULT_LEDGER = "data/ledger.json";

    /** Whether the page is served. */
    @WithDefault("true")
    boolean enabled();

    /** The address that the page listens on. */
    @WithDefault("127.0.0.1")
    String host();

    /** The port that the page listens on. */
    @WithDefault("8893")
    int port();

    /** The file that records when each hidden server was last seen. */
    @WithDefault(DEFAULT_LEDGER)
    Path ledger();

    /** The token that opens the page; if it is missing, {@link #tokenFile} contains the token. */
    Optional<String> token();

    /**
     * The file of the token. The broker creates a token if the file at the default path is missing.
     */
    @WithDefault(DEFAULT_TOKEN_FILE)
    Path tokenFile();
  }

  /** Metrics. */
  interface MetricsSettings {
    /** Whether there are metrics per hidden server, labelled with its UUID. */
    @WithDefault("false")
    boolean byUuid();
  }

  /** The access log, with one line per rendezvous and request. */
  interface AccessLogSettings {
    /** Whether the log is written. */
    @WithDefault("true")
    boolean enabled();

    /** Whether UUIDs are written in full rather than abbreviated. */
    @WithDefault("false")
    boolean fullUuids();
  }

  /** The webhook that is notified of hidden servers coming and going. */
  interface HookSettings {
    /** The URL to which events are posted. */
    Optional<String> url();

    /** The key that signs events: {@code whsec_} and 24 to 64 bytes in base64. */
    Optional<String> secret();
  }

  /** The registrar and its cookies (protocol.md, 2). */
  interface RegistrarSettings {
    /** Whether the registrar is on. */
    @WithDefault("false")
    boolean enabled();

    /** The port for HTTPS. */
    @WithDefault("8898")
    int port();

    /** The port for plain TCP, on which both sides present their cookies. */
    @WithDefault("8900")
    int tcpPort();
  }

  /** TAAS (protocol.md, 3). */
  interface TaasSettings {
    /** Whether TAAS is on. */
    @WithDefault("false")
    boolean enabled();

    /** The host name of the TAAS registrar. */
    Optional<String> host();

    /** The IPv4 address that hidden servers are told. */
    Optional<String> address();

    /** The range of ports to listen on, in the form that {@link PortRange#parse} reads. */
    @WithDefault("20000-29999")
    String ports();
  }
}
