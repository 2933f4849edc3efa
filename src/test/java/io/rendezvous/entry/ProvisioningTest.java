package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Provisioning files are written and parsed in either form. */
class ProvisioningTest {
  private static final UUID ID = UUID.fromString("2f402f80-da50-11e1-9b23-0123456789ab");
  private static final Provisioning HOME =
      new Provisioning(
          ID,
          List.of("home:8080", "house"),
          new Totp("sha1", "GEZDGNBV", 30, 8),
          "broker.example",
          8899,
          Optional.of("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"));

  @Test
  void fileIsParsedAsItWasWritten() throws Exception {
    assertThat(Provisioning.parse(HOME.toJson())).isEqualTo(HOME);
    assertThat(Provisioning.parse(HOME.toJs())).isEqualTo(HOME);
  }

  @Test
  void jsonHasTheKeysOfTheProtocol() {
    assertThat(HOME.toJson().replaceAll("\\s", ""))
        .startsWith(
            "{\"uuid\":[\"2f402f80-da50-11e1-9b23-0123456789ab\"],"
                + "\"labels\":[\"home:8080\",\"house\"],\"protocol\":\"totp\","
                + "\"algorithm\":\"sha1\",\"base32\":\"GEZDGNBV\",\"step\":30,\"digits\":8,"
                + "\"name\":\"home\",\"issuer\":\"https://broker.example:8899\","
                + "\"server\":{\"hostname\":\"broker.example\",\"port\":8899,\"ca\":\"");
    assertThat(HOME.toJs()).startsWith("exports.params = {").endsWith("};");
  }

  @Test
  void userMayAddWhatClientsReach() throws Exception {
    String file = HOME.toJson().replaceFirst("\\{", "{\"to\":\"8080\",\"rewriteHost\":false,");
    assertThat(Provisioning.parse(file).local())
        .isEqualTo(new LocalTarget(Optional.of("8080"), Optional.of(false)));
    assertThat(HOME.local()).isEqualTo(LocalTarget.NONE);
    assertThatThrownBy(() -> Provisioning.parse(file.replace("false", "0")))
        .hasMessageContaining("\"rewriteHost\" is neither true nor false");
  }

  @Test
  void handWrittenJavaScriptIsReadToo() throws Exception {
    Provisioning read =
        Provisioning.parse(
            """
            exports.params =
            { uuid      : [ '2F402F80-da50-11e1-9b23-0123456789ab' ] // ours
            , protocol  : 'totp', base32 : 'GEZDGNBV'
            , server    : { hostname : 'b', port : 1, },
            };
            """);
    assertThat(read.id()).isEqualTo(ID);
    assertThat(read.totp()).isEqualTo(new Totp("sha1", "GEZDGNBV", 30, 6));
    assertThat(read.ca()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"-\\n\"",
        "[45,10]",
        "{\"type\":\"Buffer\",\"data\":[45,10]}",
        "{type:'Buffer',data:[45,10]}"
      })
  void certificateIsTextOrItsOctets(String ca) throws Exception {
    assertThat(Provisioning.parse(withCa(ca)).ca()).contains("-\n");
    assertThat(Provisioning.parse("exports.params = " + withCa(ca) + ";").ca()).contains("-\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"1", "true", "{}", "{\"data\":\"x\"}", "[256]", "[-1]", "[4.5]", "[\"x\"]"})
  void certificateOfAnotherFormIsRefused(String ca) {
    assertThatThrownBy(() -> Provisioning.parse(withCa(ca)))
        .isInstanceOf(IOException.class)
        .hasMessage("not a provisioning file: \"ca\" is neither a text in PEM nor its octets");
  }

  private static String withCa(String ca) {
    return "{\"uuid\":[\""
        + ID
        + "\"],\"base32\":\"GEZDGNBV\",\"server\":{\"hostname\":\"b\",\"port\":1,\"ca\":"
        + ca
        + "}}";
  }

  @Test
  void uriHasAllThatAuthenticatorAppsNeed() {
    assertThat(HOME.toOtpauth())
        .isEqualTo(
            "otpauth://totp/Rendezvous%20broker.example:home?secret=GEZDGNBV"
                + "&issuer=Rendezvous%20broker.example&algorithm=SHA1&digits=8&period=30");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x GEZDGNBV", "{}", "{\"uuid\":[],\"base32\":\"GEZDGNBV\"}"})
  void malformedFileIsRefusedWithoutShowingIt(String text) {
    assertThatThrownBy(() -> Provisioning.parse(text))
        .isInstanceOf(IOException.class)
        .hasMessageNotContaining("GEZDGNBV");
  }
}
