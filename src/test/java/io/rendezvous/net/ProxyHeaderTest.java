package io.rendezvous.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The header of the PROXY protocol: what is written is read again. */
class ProxyHeaderTest {
  private static InetSocketAddress at(String address, int port) throws Exception {
    return new InetSocketAddress(InetAddress.getByName(address), port);
  }

  @ParameterizedTest
  @CsvSource({"192.0.2.1, 198.51.100.7, 28", "2001:db8::1, ::1, 52", "192.0.2.1, ::1, 16"})
  void whatIsWrittenIsRead(String source, String destination, int length) throws Exception {
    ByteBuffer header = ProxyHeader.of(at(source, 50_000), at(destination, 443));
    assertThat(header.remaining()).isEqualTo(length);
    ByteBuffer all =
        ByteBuffer.allocate(100).put(header).put("GET".getBytes(StandardCharsets.US_ASCII)).flip();
    for (int end = 0; end < length; end++) {
      ByteBuffer part = all.slice(0, end);
      assertThat(ProxyHeader.mayBegin(part)).isTrue();
      assertThat(ProxyHeader.take(part)).isEmpty();
      assertThat(part.remaining()).isEqualTo(end);
    }
    ProxyHeader read = ProxyHeader.take(all).orElseThrow();
    assertThat(read.source().isPresent()).isEqualTo(length > 16);
    if (length > 16) {
      assertThat(read.source()).contains(at(source, 50_000));
    }
    assertThat(read.octets().remaining()).isEqualTo(length);
    assertThat(all.remaining()).isEqualTo(3);
  }

  @Test
  void requestIsNotTakenForAHeader() {
    assertThat(ProxyHeader.mayBegin(ByteBuffer.wrap(new byte[] {'G'}))).isFalse();
    assertThat(
            ProxyHeader.mayBegin(
                ByteBuffer.wrap("\r\n\r\nGET".getBytes(StandardCharsets.US_ASCII))))
        .isFalse();
  }

  @ParameterizedTest
  @CsvSource({"0x11, 0x11, 12", "0x21, 0x11, 11", "0x21, 0x21, 12", "0x21, 0x11, 2000"})
  void malformedHeaderIsRefused(String command, String family, int length) throws Exception {
    ByteBuffer header =
        ByteBuffer.allocate(3000).put(ProxyHeader.of(at("1.2.3.4", 1), at("1.2.3.4", 2)));
    header.put(12, Integer.decode(command).byteValue()).put(13, Integer.decode(family).byteValue());
    header.putShort(14, (short) length).clear();
    assertThatThrownBy(() -> ProxyHeader.take(header)).isInstanceOf(ProtocolException.class);
  }
}
