package io.rendezvous.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import io.smallrye.config.WithParentName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * What can be set, each as {@code rendezvous.…} in the file that {@link SettingsLoader} reads.
 * {@code conf/rendezvous.properties.example} says what each is for. Immutable.
 */
@ConfigMapping(prefix = SettingsLoader.PREFIX)
public interface Settings {
  /** The address that the broker listens on. */
  @WithDefault("0.0.0.0")
  String host();

  /** The port that the broker listens on; 0 is any free one. */
  @WithDefault("8899")
  int port();

  /** TLS on the broker's port. */
  TlsSettings tls();

  /** The name that hidden servers and clients know the broker by. */
  Optional<String> publicHost();

  /** Where entries are kept. */
  StoreSettings store();

  /** The realm of the challenge. */
  @WithDefault("rendezvous")
  String realm();

  /** The domain of names such as LABEL.DOMAIN. */
  Optional<String> domain();

  /** How long a client waits for a tunnel of an ID that is connected. */
  @WithDefault("5s")
  @WithName("wait")
  Duration patience();

  /** How long one direction may be silent once the other has ended. */
  @WithDefault("2m")
  Duration linger();

  /** How long a reader may refuse octets that wait for it. */
  @WithDefault("10m")
  Duration stall();

  /** How long a SIGTERM lets transfers finish. */
  @WithDefault("30s")
  Duration drain();

  /** How many tunnels of an ID may be parked. */
  @WithDefault("64")
  int tunnelsPerId();

  /** How old a parked tunnel gets. */
  @WithDefault("10m")
  Duration tunnelAge();

  /** After what silence a parked tunnel has to prove that it lives; 0s is never. */
  @WithDefault("10s")
  Duration probe();

  /** How much guessing is let pass. */
  GuessSettings guesses();

  /** How much there may be of it. */
  LimitSettings limits();

  /** The admin page. */
  AdminSettings admin();

  /** What is counted. */
  MetricsSettings metrics();

  /** The log of every rendezvous. */
  AccessLogSettings accessLog();

  /** Who is told what becomes of hidden servers. */
  HookSettings hooks();

  /** The registrar with cookies. */
  RegistrarSettings registrar();

  /** TAAS. */
  TaasSettings taas();

  /** TLS on the broker's port. */
  interface TlsSettings {
    /** Whether there is any; without it the broker listens on a loopback address only. */
    @WithDefault("true")
    boolean enabled();

    /** The certificate with its chain, in PEM. */
    @WithDefault("conf/registrar.crt")
    Path certificate();

    /** Its private key, in PEM. */
    @WithDefault("conf/registrar.key")
    Path key();
  }

  /** Where entries are kept. */
  interface StoreSettings {
    /** {@code file:DIRECTORY}, {@code redis://…} or {@code rediss://…}. */
    @WithParentName
    @WithDefault("file:data/entries")
    String location();

    /** How long an entry counts after it was last seen, while the store cannot be reached. */
    @WithDefault("15m")
    Duration grace();
  }

  /** How much guessing is let pass. */
  interface GuessSettings {
    /** Failures of a source in a minute. */
    @WithDefault("10")
    int perSource();

    /** Failures of a UUID in a day. */
    @WithDefault("100")
    int perUuid();
  }

  /** How much there may be of it. */
  interface LimitSettings {
    /** Open connections; 0 is as many as the process has descriptors for. */
    @WithDefault("0")
    int connections();

    /** Open connections of one source. */
    @WithDefault("1024")
    int perSource();

    /** Parked tunnels; 0 is as many as there may be connections. */
    @WithDefault("0")
    int parked();

    /** Clients that wait for one ID. */
    @WithDefault("64")
    int waitingPerId();
  }

  /** The admin page. */
  interface AdminSettings {
    /** Whether there is one. */
    @WithDefault("true")
    boolean enabled();

    /** The address it listens on. */
    @WithDefault("127.0.0.1")
    String host();

    /** The port it listens on. */
    @WithDefault("8893")
    int port();

    /** Where it is kept when each hidden server was last seen. */
    @WithDefault("data/ledger.json")
    Path ledger();

    /** Stands in place of a token where none is asked for. */
    String NO_TOKEN = "none";

    /** The token that opens it; one is made if there is none. */
    Optional<String> token();
  }

  /** What is counted. */
  interface MetricsSettings {
    /** Whether there are figures of each hidden server, with its UUID. */
    @WithDefault("false")
    boolean byUuid();
  }

  /** The log of every rendezvous. */
  interface AccessLogSettings {
    /** Whether there is one. */
    @WithDefault("true")
    boolean enabled();

    /** Whether UUIDs stand in it in full. */
    @WithDefault("false")
    boolean fullUuids();
  }

  /** Who is told what becomes of hidden servers. */
  interface HookSettings {
    /** Where events are posted to. */
    Optional<String> url();

    /** What they are signed with: {@code whsec_} and octets in base64. */
    Optional<String> secret();
  }

  /** The registrar with cookies. */
  interface RegistrarSettings {
    /** Whether there is one. */
    @WithDefault("false")
    boolean enabled();

    /** Its HTTPS port. */
    @WithDefault("8898")
    int port();

    /** Its TCP port. */
    @WithDefault("8900")
    int tcpPort();
  }

  /** TAAS. */
  interface TaasSettings {
    /** Whether it is spoken. */
    @WithDefault("false")
    boolean enabled();

    /** The registrar's host name. */
    Optional<String> host();

    /** The address told to hidden servers. */
    Optional<String> address();

    /** The range of ports to listen on. */
    @WithDefault("20000-29999")
    String ports();
  }
}
