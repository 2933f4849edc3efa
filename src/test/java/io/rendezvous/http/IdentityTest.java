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

/** A request names its hidden server in one of several places (protocol.md, 1.2). */
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
    return lines.replaceAll("(?<!-)ID", ID).replace("BASE64", basic(ID + ":x:y"));
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

  // Rendezvous-ID.

  @Test
  void headerNamesTheHiddenServerAndLeavesTheAuthorization() throws Exception {
    String kept = "Host: a~Authorization: Bearer x";
    assertIdentity(
        "GET / HTTP/1.1~Rendezvous-ID: ID~rendezvous-password:  y~" + kept,
        "GET / HTTP/1.1~" + kept);
    assertThat(identity("GET / HTTP/1.1~rendezvous-id:ID~Host: a").orElseThrow().carrier())
        .isEqualTo(Identity.Carrier.HEADER);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Authorization: Digest username=x",
        "Authorization: Basic ???",
        "Authorization: Basic BASE64~Authorization: Bearer y",
      })
  void authorizationBesideTheHeaderIsNotLookedAt(String authorization) throws Exception {
    assertIdentity(
        "GET / HTTP/1.1~Host: a~" + authorization + "~Rendezvous-ID: ID",
        "GET / HTTP/1.1~Host: a~" + authorization);
  }

  @ParameterizedTest
  @CsvSource({
    "Rendezvous-ID: ID~Rendezvous-ID: ID, more than one Rendezvous-ID header",
    "Rendezvous-ID: ID~rendezvous-id: x, more than one Rendezvous-ID header",
    "Rendezvous-ID:, Rendezvous-ID without an ID",
  })
  void ambiguousHeaderIsRefused(String lines, String mistake) {
    assertThatThrownBy(() -> identity("GET / HTTP/1.1~Host: a~" + lines))
        .isInstanceOf(ProtocolException.class)
        .hasMessage(mistake);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET / HTTP/1.1~Rendezvous-ID: ID~Authorization: Basic BASE64~Cookie: COOKIE | HEADER",
        "GET /?rendezvous=ID HTTP/1.1~Upgrade: x~Authorization: Basic BASE64 | AUTHORIZATION",
        "GET / HTTP/1.1~Authorization: Basic BASE64~Cookie: COOKIE | AUTHORIZATION",
        "GET /?rendezvous=ID HTTP/1.1~Upgrade: x~Cookie: COOKIE | QUERY",
        "GET /?rendezvous=ID HTTP/1.1~Upgrade: x~Authorization: Bearer y~Cookie: COOKIE | QUERY",
        "GET / HTTP/1.1~Cookie: COOKIE~Authorization: Bearer y | COOKIE",
        "GET / HTTP/1.1~Cookie: COOKIE | COOKIE",
      })
  void carriersHaveAnOrder(String lines, Identity.Carrier carrier) throws Exception {
    String head = lines.replace("COOKIE", "__Host-rendezvous=x") + "~Host: a";
    Identity identity = identity(head).orElseThrow();
    assertThat(identity.carrier()).isEqualTo(carrier);
    assertThat(Heads.text(identity.head())).doesNotContain("Rendezvous-ID", "__Host-rendezvous");
  }

  @Test
  void hostNameLeavesTheAuthorizationToo() throws Exception {
    RequestHead head =
        Heads.request(
            "GET / HTTP/1.1~Authorization: Basic eDp5~Host: a~Rendezvous-ID: 1~Rendezvous-ID:"
                + "~Rendezvous-Password: x~Cookie: __Host-rendezvous=x; a=b");
    Identity identity = Identity.atHostName(head);
    assertThat(identity.name()).isEqualTo("a");
    assertThat(identity.carrier()).isEqualTo(Identity.Carrier.HOST_NAME);
    assertThat(Heads.text(identity.head()))
        .isEqualTo(Heads.complete("GET / HTTP/1.1~Authorization: Basic eDp5~Host: a~Cookie: a=b"));
  }

  // The cookie.

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "Cookie: __Host-rendezvous=x|",
        "cookie:__Host-rendezvous=x|",
        "Cookie: __Host-rendezvous=x;|",
        "Cookie: __Host-rendezvous=x; __Host-rendezvous=y|",
        "Cookie: a=1; __Host-rendezvous=x; b=2|~Cookie: a=1; b=2",
        "Cookie: __Host-rendezvous=x; b=2|~Cookie: b=2",
        "Cookie:__Host-rendezvous=x;b=2|~Cookie:b=2",
        "COOKIE:  a=1; __Host-rendezvous=x|~COOKIE:  a=1",
        "Cookie: a=1; __Host-rendezvous=x; __Host-rendezvous=y|~Cookie: a=1",
        "Cookie: a=1; __Host-rendezvous=x; __Host-rendezvous=y; b=2 ;c|~Cookie: a=1; b=2 ;c",
        "Cookie: a=1 ;__Host-rendezvous = x ;b|~Cookie: a=1 ;b",
        "Cookie: a=1~Cookie: __Host-rendezvous=x~Cookie: b=2|~Cookie: a=1~Cookie: b=2",
        "Cookie: __Host-rendezvous=x~Cookie: __Host-rendezvous=y; b=\u00fc|~Cookie: b=\u00fc",
      })
  void onlyTheCookieIsCutOut(String lines, String kept) throws Exception {
    Identity identity = identity("GET / HTTP/1.1~Host: a~" + lines + "~X: y").orElseThrow();
    assertThat(identity.carrier()).isEqualTo(Identity.Carrier.COOKIE);
    assertThat(identity.name()).isEqualTo("x");
    assertThat(Heads.text(identity.head()))
        .isEqualTo(Heads.complete("GET / HTTP/1.1~Host: a" + (kept == null ? "" : kept) + "~X: y"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Cookie: __host-rendezvous=x",
        "Cookie: __Host-rendezvous2=x; a=__Host-rendezvous=x",
        "Cookie: __Host-rendezvous",
        "X-Cookie: __Host-rendezvous=x",
      })
  void otherCookiesStay(String line) throws Exception {
    String head = "GET / HTTP/1.1~Host: a~Authorization: Basic BASE64~" + line;
    assertThat(identity("GET / HTTP/1.1~Host: a~" + line)).isEmpty();
    assertIdentity(head, "GET / HTTP/1.1~Host: a~" + line);
  }

  @Test
  void emptyCookieIsNoneAndIsRemoved() throws Exception {
    String head = "GET / HTTP/1.1~Host: a~Cookie: __Host-rendezvous=; a=b";
    assertThat(identity(head)).isEmpty();
    assertIdentity(head + "~Authorization: Basic BASE64", "GET / HTTP/1.1~Host: a~Cookie: a=b");
  }

  @Test
  void voidCookieIsNone() throws Exception {
    String head = "GET / HTTP/1.1~Host: a~Cookie: __Host-rendezvous=x";
    assertThat(Identity.withoutCookie(Heads.request(head))).isEmpty();
    assertThatThrownBy(
            () -> Identity.withoutCookie(Heads.request(head + "~Authorization: Bearer y")))
        .isInstanceOf(ProtocolException.class)
        .hasMessage("Authorization of another scheme than Digest or Basic");
  }

  @Test
  void authorizationWithoutAUserNameIsRefusedBesideACookie() {
    assertThatThrownBy(
            () ->
                identity(
                    "GET / HTTP/1.1~Host: a~Authorization: Digest nc=1"
                        + "~Cookie: __Host-rendezvous=x"))
        .isInstanceOf(ProtocolException.class);
  }

  @Test
  void nameIsNotShown() throws Exception {
    assertThat(identity("GET / HTTP/1.1~Host: a~Authorization: Digest username=ID"))
        .hasToString("Optional[Identity]");
  }
}
