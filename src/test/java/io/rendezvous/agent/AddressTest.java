package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AddressTest {
  @ParameterizedTest
  @CsvSource({"localhost:1,localhost,1", "https://b.example:65535/,b.example,65535"})
  void hostAndPortAreRead(String text, String host, int port) {
    assertThat(Address.parse(text, "https")).isEqualTo(new Address(host, port));
  }

  @Test
  void addressOfVersionSixStandsInBrackets() {
    Address address = Address.parse("[::1]:80", "tcp");
    assertThat(address.host()).isEqualTo("::1");
    assertThat(address).hasToString("[::1]:80");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "a:", ":1", "a:0", "a:65536", "a:99999999999", "http://a:1"})
  void whatIsNoneIsRefused(String text) {
    assertThatThrownBy(() -> Address.parse(text, "https"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not HOST:PORT");
  }

  @ParameterizedTest
  @CsvSource({"'',1", "a,0", "a,-1", "a,65536"})
  void noneIsMadeThatNobodyCouldListenAt(String host, int port) {
    assertThatThrownBy(() -> new Address(host, port)).isInstanceOf(IllegalArgumentException.class);
  }
}
