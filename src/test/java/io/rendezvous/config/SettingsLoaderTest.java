package io.rendezvous.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Settings are read from three places, and every mistake in them is reported. */
class SettingsLoaderTest {
  private static final Path EXAMPLE = Path.of("conf", "rendezvous.properties.example");

  @TempDir private Path directory;

  private static Properties properties(String text) throws Exception {
    Properties properties = new Properties();
    properties.load(new StringReader(text));
    return properties;
  }

  private static Settings load(String file, Map<String, String> environment, String system)
      throws Exception {
    return SettingsLoader.load(Path.of(""), properties(file), environment, properties(system))
        .settings();
  }

  private static List<String> mistakes(String file, Map<String, String> environment)
      throws Exception {
    try {
      load(file, environment, "");
      return List.of();
    } catch (SettingsException e) {
      return e.mistakes();
    }
  }

  @Test
  void defaultsAreThoseOfTheDesign() throws Exception {
    Settings settings = load("", Map.of(), "");
    assertThat(settings.host()).isEqualTo("0.0.0.0");
    assertThat(settings.port()).isEqualTo(8899);
    assertThat(settings.store().location()).isEqualTo("file:data/entries");
    assertThat(settings.store().grace()).isEqualTo(Duration.ofMinutes(15));
    assertThat(settings.patience()).isEqualTo(Duration.ofSeconds(5));
    assertThat(settings.tls().certificate()).isEqualTo(Path.of("conf/registrar.crt"));
    assertThat(settings.publicHost()).isEmpty();
  }

  @Test
  void environmentOverridesTheFileAndSystemPropertiesBoth() throws Exception {
    String file = "rendezvous.port=1\nrendezvous.tunnels-per-id=1\nrendezvous.store.grace=1m";
    Map<String, String> environment =
        Map.of("RENDEZVOUS_TUNNELS_PER_ID", "2", "RENDEZVOUS_STORE_GRACE", "2m");
    Settings settings = load(file, environment, "rendezvous.store.grace=3m\nother=x");
    assertThat(settings.port()).isEqualTo(1);
    assertThat(settings.tunnelsPerId()).isEqualTo(2);
    assertThat(settings.store().grace()).isEqualTo(Duration.ofMinutes(3));
  }

  @Test
  void variablesOfKubernetesAreIgnored() throws Exception {
    Map<String, String> environment =
        Map.of(
            "RENDEZVOUS_PORT", "tcp://10.0.0.1:8899",
            "RENDEZVOUS_PORT_8899_TCP", "tcp://10.0.0.1:8899",
            "RENDEZVOUS_PORT_8899_TCP_ADDR", "10.0.0.1",
            "RENDEZVOUS_SERVICE_HOST", "10.0.0.1",
            "RENDEZVOUS_SERVICE_PORT", "8899",
            "RENDEZVOUS_ADMIN_SERVICE_PORT_HTTP", "8893",
            "RENDEZVOUS_ADMIN_PORT", "tcp://10.0.0.2:8893");
    assertThat(load("", environment, "").port()).isEqualTo(8899);
  }

  @Test
  void variablesOfCommandsAreNoSettings() throws Exception {
    Map<String, String> environment =
        Map.of("RENDEZVOUS_AGENT_SECRET", "x", "RENDEZVOUS_DIRECTORY", "/opt/rendezvous");
    assertThat(mistakes("", environment)).isEmpty();
    assertThat(mistakes("", Map.of("RENDEZVOUS_AGENT_SECRETS", "x")))
        .containsExactly("RENDEZVOUS_AGENT_SECRETS: there is no such setting");
  }

  @Test
  void relativePathsAreRelativeToTheDirectory() throws Exception {
    Settings settings =
        SettingsLoader.load(
                Path.of("/broker"),
                properties("rendezvous.tls.key=keys/a.key\nrendezvous.admin.ledger=/var/ledger"),
                Map.of(),
                new Properties())
            .settings();
    assertThat(settings.tls().key()).isEqualTo(Path.of("/broker/keys/a.key"));
    assertThat(settings.tls().certificate()).isEqualTo(Path.of("/broker/conf/registrar.crt"));
    assertThat(settings.admin().ledger()).isEqualTo(Path.of("/var/ledger"));
  }

  @Test
  void versionsOfTheSettingsAreCompared() throws Exception {
    LoadedSettings old = loaded("rendezvous.wait=1s\nrendezvous.hooks.secret=");
    LoadedSettings next = loaded("rendezvous.wait=2s\nrendezvous.port=8899\nrendezvous.domain=a.b");
    assertThat(old.differences(next)).containsExactly("rendezvous.domain", "rendezvous.wait");
    LoadedSettings running = next.withRestOf(old, Set.of("rendezvous.wait"));
    assertThat(running.differences(next)).containsExactly("rendezvous.domain");
    assertThat(running.differences(old)).containsExactly("rendezvous.wait");
  }

  private static LoadedSettings loaded(String file) throws Exception {
    return SettingsLoader.load(Path.of(""), properties(file), Map.of(), new Properties());
  }

  @Test
  void fileThatCannotBeReadIsReportedInWords() throws Exception {
    Path file = Files.createDirectory(directory.resolve("x.properties"));
    assertThatThrownBy(() -> SettingsLoader.load(directory, Optional.of(file)))
        .isInstanceOf(SettingsException.class)
        .hasMessage("cannot read " + file + ": Is a directory");
  }

  @ParameterizedTest
  @CsvSource({"500ms, PT0.5S", "5s, PT5S", "2m, PT2M", "1h, PT1H", "1d, PT24H"})
  void durationsAreWrittenShort(String text, Duration meant) throws Exception {
    assertThat(load("rendezvous.wait=" + text, Map.of(), "").patience()).isEqualTo(meant);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rendezvous.prot=1          | rendezvous.prot: there is no such setting",
        "rendezvous.port=abc        | rendezvous.port: Expected an integer value: abc",
        "rendezvous.port=65536      | rendezvous.port: is not a port: 65536",
        "rendezvous.wait=5          | rendezvous.wait: not a duration such as 5s, 2m, 1h or 7d: 5",
        "rendezvous.wait=0s         | rendezvous.wait: is zero",
        "rendezvous.tls.enabled=no  | rendezvous.tls.enabled: neither true nor false: no",
        "rendezvous.tls.enabled=false | rendezvous.tls.enabled: can be false on a loopback address only; see rendezvous.host",
        "rendezvous.store=mysql://x | rendezvous.store: does not begin with file:, redis:// or rediss://",
        "rendezvous.realm=a\"b      | rendezvous.realm: contains a quote, a backslash or a character that is not printable ASCII",
        "rendezvous.host=no.such.invalid | rendezvous.host: cannot be resolved to an address: no.such.invalid",
        "rendezvous.public-host=a b | rendezvous.public-host: is not a host name or an IP address",
        "rendezvous.registrar.tcp-port=-5 | rendezvous.registrar.tcp-port: is not a port: -5",
        "rendezvous.taas.ports=9-x | rendezvous.taas.ports: is not a range such as 20000-29999",
        "rendezvous.access-log.enabled=off | rendezvous.access-log.enabled: neither true nor false: off",
        "rendezvous.requests=false | rendezvous.requests: neither on nor off: false",
        "rendezvous.hooks.url=https://a b/ | rendezvous.hooks.url: is not a URL",
        "rendezvous.hooks.url=a.example/hook | rendezvous.hooks.url: is not a URL such as https://host/path",
        "rendezvous.hooks.url=ftp://a.example/ | rendezvous.hooks.url: is not a URL such as https://host/path",
        "rendezvous.hooks.url=http://192.0.2.1/ | rendezvous.hooks.url: can use http on a loopback address only; use https",
        "rendezvous.hooks.url=https://u:p@a.example/ | rendezvous.hooks.url: contains a user name or a fragment",
        "rendezvous.hooks.secret=whsec_AAAA | rendezvous.hooks.secret: is not whsec_ followed by 24 to 64 bytes in base64",
        "rendezvous.hooks.secret=secret | rendezvous.hooks.secret: is not whsec_ followed by 24 to 64 bytes in base64",
        "rendezvous.taas.ports=9-8 | rendezvous.taas.ports: is not a range such as 20000-29999",
        "rendezvous.taas.ports=0-8 | rendezvous.taas.ports: is not a range such as 20000-29999",
        "rendezvous.taas.ports=1-65536 | rendezvous.taas.ports: is not a range such as 20000-29999",
        "rendezvous.taas.host=a b | rendezvous.taas.host: is not a host name such as taas.example",
        "rendezvous.domain=a_b | rendezvous.domain: is not a domain such as servers.example",
        "rendezvous.hooks.url=https://a.example:65536/ | rendezvous.hooks.url: has a port that is not from 1 to 65535",
        "rendezvous.limits.parked=-1 | rendezvous.limits.parked: is less than 0: -1",
        "rendezvous.guesses.per-source=0 | rendezvous.guesses.per-source: is less than 1: 0",
        "rendezvous.admin.token=short | rendezvous.admin.token: has fewer than 16 characters",
        "rendezvous.taas.address=::1 | rendezvous.taas.address: is not an IPv4 address such as 192.0.2.1",
      })
  void mistakeIsReported(String file, String mistake) throws Exception {
    Map<String, String> environment = Map.of("RENDEZVOUS_HOOKS_SECRET", "whsec_" + "A".repeat(32));
    assertThat(mistakes(file, file.contains("hooks.url") ? environment : Map.of()))
        .containsExactly(mistake);
  }

  @Test
  void adminPageBeyondLoopbackNeedsTlsAndAToken() throws Exception {
    String beyond = "rendezvous.admin.host=192.0.2.1\n";
    String plain = "rendezvous.tls.enabled=false\nrendezvous.host=127.0.0.1\n";
    assertThat(mistakes(beyond, Map.of())).isEmpty();
    assertThat(mistakes(beyond + plain, Map.of()))
        .containsExactly(
            "rendezvous.admin.host: needs TLS unless it is a loopback address;"
                + " see rendezvous.tls.enabled");
    assertThat(mistakes(beyond + "rendezvous.admin.token=none", Map.of()))
        .containsExactly(
            "rendezvous.admin.token: can be none on a loopback address only;"
                + " see rendezvous.admin.host");
    assertThat(mistakes("rendezvous.admin.token=none", Map.of())).isEmpty();
  }

  @Test
  void taasNeedsItsHostAndADomain() throws Exception {
    assertThat(mistakes("rendezvous.taas.enabled=true", Map.of()))
        .containsExactly(
            "rendezvous.domain: is missing; see rendezvous.taas.enabled",
            "rendezvous.taas.host: is missing; see rendezvous.taas.enabled");
  }

  @Test
  void hookIsSigned() throws Exception {
    String url = "rendezvous.hooks.url=http://[::1]:8080/hook?token=x\n";
    String secret = "rendezvous.hooks.secret=whsec_" + "A".repeat(32);
    assertThat(mistakes(url, Map.of()))
        .containsExactly("rendezvous.hooks.secret: is missing; see rendezvous.hooks.url");
    assertThat(load(url + secret, Map.of(), "").hooks().url())
        .contains("http://[::1]:8080/hook?token=x");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "8898 | 8898 | 8900 | rendezvous.registrar.port: is the same as rendezvous.port: 8898",
        "8899 | 8900 | 8900 | rendezvous.registrar.tcp-port: is the same as rendezvous.registrar.port: 8900",
        "8900 | 8898 | 8900 | rendezvous.registrar.tcp-port: is the same as rendezvous.port: 8900",
      })
  void registrarHasPortsOfItsOwn(int port, int registrar, int tcp, String mistake)
      throws Exception {
    String ports =
        "rendezvous.port="
            + port
            + "\nrendezvous.registrar.port="
            + registrar
            + "\nrendezvous.registrar.tcp-port="
            + tcp;
    String on = "\nrendezvous.registrar.enabled=true";
    assertThat(mistakes(ports + on, Map.of())).containsExactly(mistake);
    assertThat(mistakes(ports, Map.of())).isEmpty(); // nobody listens there
    assertThat(mistakes(ports.replaceAll("=\\d+", "=0") + on, Map.of())).isEmpty();
  }

  @Test
  void everyMistakeIsReported() throws Exception {
    String file =
        "rendezvous.wait=0s\nrendezvous.port=x\nrendezvous.a=1\nrendezvous.admin.b=2\nother.c=3";
    assertThat(mistakes(file, Map.of("RENDEZVOUS_D", "4")))
        .containsExactly(
            "RENDEZVOUS_D: there is no such setting",
            "rendezvous.a: there is no such setting",
            "rendezvous.admin.b: there is no such setting",
            "rendezvous.port: Expected an integer value: x",
            "rendezvous.wait: is zero");
  }

  @Test
  void missingFileIsReported() {
    Path missing = directory.resolve("missing.properties");
    assertThatThrownBy(() -> SettingsLoader.load(Path.of(""), Optional.of(missing)))
        .isInstanceOf(SettingsException.class)
        .hasMessageContaining("missing.properties");
  }

  @Test
  void exampleNamesEverySettingOnceWithItsDefault() throws Exception {
    String example = Files.readString(EXAMPLE);
    Matcher matcher = Pattern.compile("(?m)^#(rendezvous\\.\\S+?)=(.*)$").matcher(example);
    List<String> named = new ArrayList<>();
    while (matcher.find()) {
      named.add(matcher.group(1));
    }
    assertThat(named).containsExactlyInAnyOrderElementsOf(SettingsLoader.KEYS);
    String on = matcher.replaceAll("$1=$2");
    assertThat(load(on, Map.of(), "")).hasToString(load("", Map.of(), "").toString());
  }
}
