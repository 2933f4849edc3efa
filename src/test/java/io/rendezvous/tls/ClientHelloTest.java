package io.rendezvous.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.tls.ClientHello.Progress;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The ClientHello: well formed and malformed, whole and in pieces of any size. */
public class ClientHelloTest {
  private static final String SERVER_NAME = "0000" + "0009" + "0007" + "00" + "0004" + hex("home");

  private static String hex(String text) {
    return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static byte[] octets(String hex) {
    return HexFormat.of().parseHex(hex);
  }

  private static String vector16(String hex) {
    return String.format("%04x", hex.length() / 2) + hex;
  }

  /** Returns a message with these extensions, in hexadecimal. */
  private static String hello(String extensions) {
    return message(body() + vector16(extensions));
  }

  private static String message(String body) {
    return "01" + String.format("%06x", body.length() / 2) + body;
  }

  private static String body() {
    return "0303" + "ab".repeat(32) + "00" + "00021301" + "0100";
  }

  private static byte[] record(String payload) {
    return octets("160301" + vector16(payload));
  }

  private static Progress read(ClientHello hello, byte[] octets) {
    return hello.read(ByteBuffer.wrap(octets));
  }

  /** Returns the first record of a real client, one char for each octet. */
  public static String of(String name) throws Exception {
    return new String(fromJsse(name), StandardCharsets.ISO_8859_1);
  }

  private static byte[] fromJsse(String name, String... protocols) throws Exception {
    SSLEngine engine = SSLContext.getDefault().createSSLEngine();
    engine.setUseClientMode(true);
    SSLParameters parameters = engine.getSSLParameters();
    if (!name.isEmpty()) {
      parameters.setServerNames(List.of(new SNIHostName(name)));
    }
    if (protocols.length > 0) {
      parameters.setProtocols(protocols);
    }
    engine.setSSLParameters(parameters);
    ByteBuffer out = ByteBuffer.allocate(32 * 1024);
    engine.wrap(ByteBuffer.allocate(0), out);
    return Arrays.copyOf(out.array(), out.position());
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void serverNameOfARealClientIsRead(String version) throws Exception {
    ClientHello hello = new ClientHello();
    assertThat(read(hello, fromJsse("Home.Servers.Example", version))).isEqualTo(Progress.WHOLE);
    assertThat(hello.serverName()).contains("home.servers.example");
  }

  @Test
  void clientMaySendNoServerName() throws Exception {
    ClientHello hello = new ClientHello();
    assertThat(read(hello, fromJsse(""))).isEqualTo(Progress.WHOLE);
    assertThat(hello.serverName()).isEmpty();
  }

  @Test
  void extensionsMayBeMissing() {
    ClientHello hello = new ClientHello();
    assertThat(read(hello, record(message(body())))).isEqualTo(Progress.WHOLE);
    assertThat(hello.serverName()).isEmpty();
  }

  @Test
  void messageMayArriveOctetByOctet() throws Exception {
    ClientHello hello = new ClientHello();
    byte[] whole = fromJsse("home.servers.example");
    for (int i = 0; i < whole.length - 1; i++) {
      assertThat(read(hello, new byte[] {whole[i]})).as("octet " + i).isEqualTo(Progress.MORE);
    }
    assertThat(read(hello, new byte[] {whole[whole.length - 1]})).isEqualTo(Progress.WHOLE);
    assertThat(hello.serverName()).contains("home.servers.example");
  }

  @Test
  void messageMayBeSpreadOverRecordsOfAnySize() throws Exception {
    byte[] message = fromJsse("home.servers.example");
    SplittableRandom random = new SplittableRandom(1);
    for (int max = 1; max < message.length; max += 7) {
      ByteArrayOutputStream records = new ByteArrayOutputStream();
      for (int at = 5; at < message.length; ) {
        int n = Math.min(message.length - at, 1 + random.nextInt(max));
        records.writeBytes(record(HexFormat.of().formatHex(message, at, at + n)));
        at += n;
      }
      ClientHello hello = new ClientHello();
      byte[] octets = records.toByteArray();
      int cut = random.nextInt(octets.length);
      assertThat(read(hello, Arrays.copyOf(octets, cut))).isEqualTo(Progress.MORE);
      assertThat(read(hello, Arrays.copyOfRange(octets, cut, octets.length)))
          .isEqualTo(Progress.WHOLE);
      assertThat(hello.serverName()).contains("home.servers.example");
    }
  }

  @Test
  void octetsAfterTheMessageAreNotRead() {
    ClientHello hello = new ClientHello();
    ByteBuffer octets = ByteBuffer.allocate(1024).put(record(hello(SERVER_NAME))).put((byte) 20);
    assertThat(hello.read(octets.flip())).isEqualTo(Progress.WHOLE);
    assertThat(octets.remaining()).isEqualTo(1);
    assertThat(hello.serverName()).contains("home");
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET / HTTP/1.1\r\n", "SSH-2.0-x\r\n", "\u0015\u0003\u0001", "\u0000"})
  void otherProtocolIsRefusedAtItsFirstOctet(String text) {
    ClientHello hello = new ClientHello();
    assertThat(read(hello, new byte[] {(byte) text.charAt(0)})).isEqualTo(Progress.REFUSED);
  }

  @ParameterizedTest
  @CsvSource({
    "1602, another major version",
    "1603010000, an empty record",
    "1603014001, a record that is too long",
    "160301000102, another message",
    "160301000401004000, a message that is too long",
  })
  void malformedRecordIsRefusedAtOnce(String hex, String what) {
    assertThat(read(new ClientHello(), octets(hex))).as(what).isEqualTo(Progress.REFUSED);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0000 0009 0007 00 0004 686f6d65 0000 0009 0007 00 0004 686f6d65", // twice
        "0010 0000 0010 0000", // another extension twice
        "0000 0009 0007 01 0004 686f6d65", // another type of name
        "0000 0009 0008 00 0004 686f6d65", // a list that is too long
        "0000 0009 0006 00 0004 686f6d65", // a list that is too short
        "0000 0009 0007 00 0003 686f6d65", // a name that is too short
        "0000 0009 0007 00 0005 686f6d65", // a name that is too long
        "0000 0005 0003 00 0000", // an empty name
        "0000 0002 0000", // no name
        "0000 0000", // nothing
        "0000 0010 000e 00 0004 686f6d65 00 0004 686f6d65", // two names
        "0000 00ff", // an extension that is too long
        "00" // half a type
      })
  void malformedExtensionIsRefused(String extensions) {
    byte[] octets = record(hello(extensions.replace(" ", "")));
    assertThat(read(new ClientHello(), octets)).isEqualTo(Progress.REFUSED);
  }

  @Test
  void malformedMessageIsRefused() {
    String random = "0303" + "ab".repeat(32);
    for (String body :
        List.of(
            "",
            "0303",
            random,
            random + "21" + "00".repeat(33) + "00021301" + "0100", // a session that is too long
            random + "00" + "0000" + "0100", // no cipher
            random + "00" + "0003130113" + "0100", // half a cipher
            random + "00" + "00021301" + "00", // no compression
            random + "00" + "00021301" + "0100" + "0001", // extensions that are cut off
            random + "00" + "00021301" + "0100" + "0000" + "00")) { // and more behind them
      assertThat(read(new ClientHello(), record(message(body))))
          .as(body)
          .isEqualTo(Progress.REFUSED);
    }
    assertThat(read(new ClientHello(), record(hello("") + "00")))
        .as("more in the record")
        .isEqualTo(Progress.REFUSED);
  }

  @Test
  void longestMessageIsReadAndALongerOneIsRefused() {
    for (int more = 0; more <= 1; more++) {
      String padding = "00".repeat(ClientHello.MAX_LENGTH - 4 - 41 - 2 - 4 + more);
      String message = hello("0015" + vector16(padding));
      ByteArrayOutputStream records = new ByteArrayOutputStream();
      records.writeBytes(record(message.substring(0, 20_000)));
      records.writeBytes(record(message.substring(20_000)));
      assertThat(read(new ClientHello(), records.toByteArray()))
          .isEqualTo(more == 0 ? Progress.WHOLE : Progress.REFUSED);
    }
  }
}
