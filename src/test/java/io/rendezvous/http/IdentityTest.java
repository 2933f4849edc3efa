package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A request names its hidden server in its Authorization or its query (protocol.md, 1.2). */
class IdentityTest {
  private static final String ID = "2f402f80-da50-11e1-9b23-0123456789ab";

  private static String basic(String credentials) {
    return Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8));
  }

  /** Returns the identity of a head in which ID and BASE64 stand for the identity. */
  private static Optional<Identity> identity(String lines) throws ProtocolException {
    return Identity.of(Heads.request(filled(lines)));
  }

  private static String filled(String lines) {
    return lines.replace("ID", ID).replace("BASE64", basic(ID + ":x:y"));
  }

  private static void assertIdentity(String lines, String head) throws ProtocolException {
    Identity identity = identity(lines).orElseThrow();
    assertThat(identity.id()).contains(UUID.fromString(ID));
    assertThat(Heads.text(identity.head())).isEqualTo(Heads.complete(filled(head)));
    assertThat(identity.head().remaining()).isPositive(); // each call returns all of it
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Digest username=\"ID\"",
        "digest realm=\"a, b\", USERNAME = \"ID\" , nc=00000001",
        "Digest username=ID, qop=auth",
        "Digest response=\"\\\"\\\\\", username=\"\\2\\f402f80-da50-11e1-9b23-0123456789ab\"",
        "Digest username*=UTF-8''%32%66402f80-da50-11e1-9b23-0123456789ab, realm=\"x\"",
        "Digest username*=utf-8'en'ID",
        "Digest  username=ID",
        "Basic BASE64",
        "BASIC BASE64",
        "Basic   BASE64",
      })
  void userNameIsTheIdentity(String value) throws Exception {
    assertIdentity("GET / HTTP/1.1~Authorization: " + value + "~Host: a", "GET / HTTP/1.1~Host: a");
  }

  @Test
  void otherCredentialsStay() throws Exception {
    String kept = "Host: a~Proxy-Authorization: Basic eDp5~X-Authorization: z";
    assertIdentity(
        "GET / HTTP/1.1~Authorization: Digest username=\"ID\"~" + kept, "GET / HTTP/1.1~" + kept);
  }

  @Test
  void webSocketNamesItsHiddenServerInTheQuery() throws Exception {
    String head =
        "GET /chat?a=b&rendezvous=ID&c HTTP/1.1~Host: a~Connection: Upgrade~Upgrade: websocket";
    assertIdentity(head, head);
  }

  @Test
  void authorizationOfAnotherSchemeStaysWhereTheQueryNamesTheHiddenServer() throws Exception {
    String head = "GET /?rendezvous=ID HTTP/1.1~Host: a~Upgrade: websocket~Authorization: Bearer x";
    assertIdentity(head, head);
  }

  @Test
  void userNameGoesBeforeTheQuery() throws Exception {
    Identity identity =
        identity("GET /?rendezvous=ID HTTP/1.1~Host: a~Upgrade: x~Authorization: Digest username=b")
            .orElseThrow();
    assertThat(identity.name()).isEqualTo("b");
    assertThat(Heads.text(identity.head())).doesNotContain("Authorization");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET / HTTP/1.1~Host: a",
        "GET / HTTP/1.1~Host: a~Upgrade: websocket",
        "GET /?rendezvous=ID HTTP/1.1~Host: a",
        "GET /?rendezvous=ID HTTP/1.1~Host: a~Connection: Upgrade",
        "GET /?rendezvous=ID HTTP/1.1~Host: a~Cookie: rendezvous=ID",
      })
  void requestWithoutAnIdentityIsToBeChallenged(String lines) throws Exception {
    assertThat(identity(lines)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "Digest username=\"home\", home",
    "Digest username=\"2f402f80da5011e19b230123456789ab\", 2f402f80da5011e19b230123456789ab",
    "Digest username=\"{2f402f80-da50-11e1-9b23-0123456789ab}\", {2f402f80-da50-11e1-9b23-0123456789ab}",
    "Basic aG9tZTp4, home",
    "Basic w6k6eA==, \u00e9",
  })
  void userNameNeedNotBeAUuid(String value, String name) throws Exception {
    Identity identity = identity("GET / HTTP/1.1~Host: a~Authorization: " + value).orElseThrow();
    assertThat(identity.name()).isEqualTo(name);
    assertThat(identity.id()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Bearer x | Authorization of another scheme than Digest or Basic",
        "'' | Authorization of another scheme than Digest or Basic",
        "DigestX username=ID | Authorization of another scheme than Digest or Basic",
        "Digest realm=\"x\" | Authorization without a user name",
        "Digest username=\"\" | Authorization without a user name",
        "Digest | Authorization without a user name",
        "Basic OnB3 | Authorization without a user name",
        "Basic | Authorization without a user name",
        "Basic YWI= | Authorization without a user name",
        "Digest username=\"ID | malformed credentials",
        "Digest username=\"ID\", username=\"ID\" | malformed credentials",
        "Digest username=\"ID\", username*=UTF-8''ID | malformed credentials",
        "Digest username*=latin1''ID | malformed credentials",
        "Basic ??? | malformed Basic credentials",
      })
  void authorizationThatCannotBeAnIdentityIsRefused(String value, String mistake) {
    assertThatThrownBy(() -> identity("GET / HTTP/1.1~Authorization: " + value + "~Host: a"))
        .isInstanceOf(ProtocolException.class)
        .hasMessage(mistake);
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "none",
      value = {
        "Digest username=x, x",
        "Digest nc=1, ''",
        "Basic eDp5, x",
        "Bearer x, none",
        "'', none",
      })
  void userNameIsEmptyOrMissing(String authorization, String name) throws Exception {
    assertThat(Identity.userName(authorization).orElse(null)).isEqualTo(name);
  }

  @Test
  void nameIsNotShown() throws Exception {
    assertThat(identity("GET / HTTP/1.1~Host: a~Authorization: Digest username=ID"))
        .hasToString("Optional[Identity]");
  }
}
