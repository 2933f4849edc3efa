package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ProtocolException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The parameters of credentials are parsed as RFC 9110, 11.4, and RFC 7616, 3.4, have them. */
class DigestCredentialsTest {
  @Test
  void parametersAreTokensOrQuoted() throws Exception {
    assertThat(
            DigestCredentials.parameters(
                "username=\"a, b\", REALM = x ,\tnc=00000001,qop=\"\",uri=\"/?a=b\""))
        .isEqualTo(
            Map.of("username", "a, b", "realm", "x", "nc", "00000001", "qop", "", "uri", "/?a=b"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", ",", " , ,\t"})
  void nothingIsNoParameter(String credentials) throws Exception {
    assertThat(DigestCredentials.parameters(credentials)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "a=b|b",
        "a=|''",
        "a=,b=c|''",
        " a\t=\t b \t|b",
        ",,a=b,,|b",
        "A=B|B",
        "a=b=c|b=c",
        "a=b;c=d|b;c=d",
        "a=\"b\\\"c\"|b\"c",
        "a=\"b\\\\\"|b\\",
        "a=\"\\b\\c\"|bc",
        "a=\"b\" ,c=d|b",
        "a=\" b\"|' b'",
        "c=\"a=x\",a=b|b",
      })
  void valueIsRead(String credentials, String value) throws Exception {
    assertThat(DigestCredentials.parameters(credentials)).containsEntry("a", value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a",
        "a ",
        "a b",
        "a,b=c",
        "=b",
        ",=b",
        "\"a\"=b",
        "a\"=b",
        "a=b c",
        "a=b c=d",
        "a=\"b",
        "a=\"b\\",
        "a=\"b\\\"",
        "a=\"b\"c",
        "a=\"b\"c=d",
        "a=b\"c\"",
        "a=b,a=b",
        "a=b,A=c",
      })
  void malformedParametersAreRefused(String credentials) {
    assertThatThrownBy(() -> DigestCredentials.parameters(credentials))
        .isInstanceOf(ProtocolException.class)
        .hasMessage("malformed credentials");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "realm=x | ''",
        "username=x | x",
        "username=\"\" | ''",
        "username*=UTF-8''x | x",
        "username*=utf-8'en-GB'x%20y | x y",
        "username*=UTF-8''%c3%a9+%E2%82%AC | \u00e9+\u20ac",
        "username*=UTF-8'' | ''",
      })
  void userNameIsPlainOrExtended(String credentials, String name) throws Exception {
    assertThat(DigestCredentials.userName(credentials)).isEqualTo(name);
  }

  @Test
  void extendedUserNameMayContainApostrophes() throws Exception {
    assertThat(DigestCredentials.userName("username*=UTF-8'''x'")).isEqualTo("'x'");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "username=x, username*=UTF-8''x",
        "username*=latin1''x",
        "username*=UTF-8",
        "username*=UTF-8'x",
        "username*=UTF8''x",
        "username*=x",
        "username*=",
        "username*=UTF-8''%",
        "username*=UTF-8''%4",
        "username*=UTF-8''%zz",
      })
  void malformedUserNameIsRefused(String credentials) {
    assertThatThrownBy(() -> DigestCredentials.userName(credentials))
        .isInstanceOf(ProtocolException.class)
        .hasMessage("malformed credentials");
  }
}
