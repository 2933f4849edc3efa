package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.ClientPassword.Algorithm;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What requests prove (protocol.md, 1.8; RFC 7616, 3.4). */
class PasswordProofTest {
  private static final UUID ID = UUID.fromString("2f402f80-da50-11e1-9b23-0123456789ab");
  private static final String SECRET = "größe mal 7";
  private static final ClientPassword PASSWORD = ClientPassword.of(ID, "r", SECRET);

  private Instant now = Instant.parse("2026-01-31T12:00:00Z");
  private final Nonces nonces = new Nonces(() -> now);

  private static RequestHead head(String line, String authorization) throws ProtocolException {
    String text = Heads.complete(line + "~Host: x~Authorization: " + authorization);
    return RequestHead.parse(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  private PasswordProof proof(String line, String authorization) throws ProtocolException {
    return PasswordProof.inAuthorization(head(line, authorization), nonces::isFresh);
  }

  private PasswordProof proof(String authorization) throws ProtocolException {
    return proof("GET /a?b=c HTTP/1.1", authorization);
  }

  private static boolean isRight(PasswordProof proof) {
    return proof instanceof PasswordProof.Given given && given.isRight().test(PASSWORD);
  }

  /** Computes a response as a client does, from the password. */
  private String digest(Algorithm algorithm, String password, String method, String uri) {
    String octets =
        new String(password.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    String nonce = nonces.create();
    String ha1 = algorithm.digest(ID + ":r:" + octets);
    String ha2 = algorithm.digest(method + ":" + uri);
    String response = algorithm.digest(ha1 + ":" + nonce + ":00000001:abc:auth:" + ha2);
    return ("Digest username=\"%s\", realm=\"r\", nonce=\"%s\", uri=\"%s\", algorithm=%s,"
            + " qop=auth, nc=00000001, cnonce=\"abc\", response=\"%s\"")
        .formatted(ID, nonce, uri, algorithm.token(), response);
  }

  private String digest() {
    return digest(Algorithm.SHA_256, SECRET, "GET", "/a?b=c");
  }

  /** The examples of RFC 7616, 3.9.1. */
  @ParameterizedTest
  @CsvSource({
    "MD5, 8ca523f5e9506fed4657c9700eebdbec",
    "SHA_256, 753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
  })
  void examplesOfTheStandard(Algorithm algorithm, String expected) {
    DigestResponse response =
        new DigestResponse(
            algorithm,
            "GET",
            "/dir/index.html",
            "http-auth@example.org",
            "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            "00000001",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            "auth",
            expected);
    String ha1 = algorithm.digest("Mufasa:http-auth@example.org:Circle of Life");
    assertThat(response.expected(ha1)).isEqualTo(expected);
    assertThat(response).hasToString("DigestResponse");
  }

  @ParameterizedTest
  @EnumSource
  void rightResponseIsRight(Algorithm algorithm) throws Exception {
    assertThat(isRight(proof(digest(algorithm, SECRET, "GET", "/a?b=c")))).isTrue();
    assertThat(isRight(proof(digest(algorithm, "größe mal 8", "GET", "/a?b=c")))).isFalse();
    assertThat(isRight(proof(digest(algorithm, SECRET, "POST", "/a?b=c")))).isFalse();
  }

  @Test
  void absoluteTargetIsNamedEitherWay() throws Exception {
    String line = "GET http://x/a?b=c HTTP/1.1";
    assertThat(isRight(proof(line, digest()))).isTrue();
    assertThat(isRight(proof(line, digest(Algorithm.MD5, SECRET, "GET", "http://x/a?b=c"))))
        .isTrue();
  }

  @Test
  void algorithmIsMd5UnlessNamed() throws Exception {
    String md5 = digest(Algorithm.MD5, SECRET, "GET", "/a?b=c");
    assertThat(isRight(proof(md5.replace(" algorithm=MD5,", "")))).isTrue();
    assertThat(isRight(proof(md5.replace("algorithm=MD5", "algorithm=\"md5\"")))).isTrue();
  }

  @Test
  void realmHasToBeThatOfThePassword() throws Exception {
    assertThat(isRight(proof(digest().replace("realm=\"r\"", "realm=\"s\"")))).isFalse();
  }

  @Test
  void nonceThatHasExpiredIsStaleWhateverTheResponse() throws Exception {
    String right = digest();
    String wrong = digest(Algorithm.SHA_256, "something", "GET", "/a?b=c");
    String another = new Nonces(() -> now).create();
    now = now.plusSeconds(301);
    assertThat(proof(right)).isEqualTo(new PasswordProof.Stale());
    assertThat(proof(wrong)).isEqualTo(new PasswordProof.Stale());
    assertThat(proof(digest().replaceFirst("nonce=\"[^\"]*", "nonce=\"" + another)))
        .isEqualTo(new PasswordProof.Stale());
    assertThat(proof(digest().replaceFirst("nonce=\"[^\"]*", "nonce=\"dcd98b7102dd2f0e")))
        .isEqualTo(new PasswordProof.Stale());
  }

  /** Such a client has to be asked, and nothing was guessed. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "qop=auth; qop=auth-int",
        " qop=auth,; ''",
        "algorithm=SHA-256; algorithm=SHA-256-sess",
        "algorithm=SHA-256; algorithm=SHA-512-256",
        "response=; other="
      })
  void responseToAnotherChallengeIsNone(String there, String instead) throws Exception {
    assertThat(digest()).contains(there);
    assertThat(proof(digest().replace(there, instead))).isEqualTo(new PasswordProof.None());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "uri=\"/a?b=c\"; uri=\"/a\"",
        "uri=\"/a?b=c\"; uri=\"\"",
        "nc=00000001; nc=1",
        "nc=00000001; nc=0000000g",
        "nc=00000001; nc=000000001",
        "cnonce=\"abc\"; cnonce=\"\"",
        " cnonce=\"abc\",; ''",
        " nc=00000001,; ''",
        "realm=\"r\"; realms=\"r\"",
        "response=\"; response=\"0",
        "response=\"; response=\"\", other=\"",
        "nonce=; nonces="
      })
  void malformedResponseIsAMistake(String there, String instead) {
    assertThat(digest()).contains(there);
    assertThatThrownBy(() -> proof(digest().replaceFirst("\\Q" + there + "\\E", instead)))
        .isInstanceOf(ProtocolException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "Digest", "Digest username=\"x\", realm=\"r\"", "Bearer xyz", "Basic Og=="})
  void requestWithoutAPasswordProvesNothing(String authorization) throws Exception {
    assertThat(proof(authorization)).isEqualTo(new PasswordProof.None());
  }

  @Test
  void basicPasswordIsCompared() throws Exception {
    for (String password : new String[] {SECRET, "größe: mal 7", "x"}) {
      byte[] pair = ("user:" + password).getBytes(StandardCharsets.UTF_8);
      PasswordProof proof = proof("Basic " + Base64.getEncoder().encodeToString(pair));
      assertThat(isRight(proof)).isEqualTo(password.equals(SECRET));
    }
  }

  @Test
  void requestWithoutAuthorizationProvesNothing() throws Exception {
    byte[] bare = Heads.complete("GET / HTTP/1.1~Host: x").getBytes(StandardCharsets.US_ASCII);
    assertThat(PasswordProof.inAuthorization(RequestHead.parse(bare), nonces::isFresh))
        .isEqualTo(new PasswordProof.None());
  }
}
