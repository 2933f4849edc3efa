package io.rendezvous.net;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/**
 * The PROXY protocol's header of version 2, which says where a relayed connection comes from
 * (haproxy.org, proxy-protocol.txt, 2.2).
 *
 * @param octets the header itself, of which the caller changes nothing
 * @param source where the connection comes from; empty if the sender did not say
 */
public record ProxyHeader(ByteBuffer octets, Optional<InetSocketAddress> source) {
  /** No request begins with these. */
  private static final byte[] SIGNATURE = {
    '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'
  };

  private static final int FIXED = SIGNATURE.length + 4;
  private static final int MAX_REST = 1024;
  private static final int VERSION_2 = 0x20;
  private static final int COMMAND_PROXY = 0x21;
  private static final int TCP_OVER_IPV4 = 0x11;
  private static final int TCP_OVER_IPV6 = 0x21;
  private static final int IPV4_LENGTH = 4;
  private static final int IPV6_LENGTH = 16;

  /**
   * Returns the octets that go before those of a connection.
   *
   * @param source where it comes from
   * @param destination where it was accepted
   */
  public static ByteBuffer of(InetSocketAddress source, InetSocketAddress destination) {
    byte[] from = source.getAddress().getAddress();
    byte[] to = destination.getAddress().getAddress();
    boolean alike = from.length == to.length;
    int length = alike ? 2 * from.length + 4 : 0;
    ByteBuffer header = ByteBuffer.allocate(FIXED + length).put(SIGNATURE);
    int family = from.length == IPV4_LENGTH ? TCP_OVER_IPV4 : TCP_OVER_IPV6;
    header.put((byte) COMMAND_PROXY).put((byte) (alike ? family : 0)).putShort((short) length);
    if (alike) {
      header.put(from).put(to);
      header.putShort((short) source.getPort()).putShort((short) destination.getPort());
    }
    return header.flip();
  }

  /** Returns whether octets begin with a header, or may, as far as they go. */
  public static boolean mayBegin(ByteBuffer octets) {
    int length = Math.min(octets.remaining(), SIGNATURE.length);
    byte[] begin = new byte[length];
    octets.duplicate().get(begin);
    return Arrays.equals(begin, 0, length, SIGNATURE, 0, length);
  }

  /**
   * Takes a header that {@link #mayBegin} these octets from their beginning.
   *
   * @return empty if it is not whole yet; then nothing was taken
   * @throws ProtocolException if it is none that can be understood
   */
  public static Optional<ProxyHeader> take(ByteBuffer octets) throws ProtocolException {
    if (octets.remaining() < FIXED) {
      return Optional.empty();
    }
    int start = octets.position();
    int command = octets.get(start + SIGNATURE.length);
    int family = octets.get(start + SIGNATURE.length + 1);
    int length = Short.toUnsignedInt(octets.getShort(start + SIGNATURE.length + 2));
    if ((command & 0xf0) != VERSION_2 || length > MAX_REST) {
      throw new ProtocolException("malformed PROXY header");
    }
    if (octets.remaining() < FIXED + length) {
      return Optional.empty();
    }
    ByteBuffer rest = octets.slice(start + FIXED, length);
    octets.position(start + FIXED + length);
    return Optional.of(
        new ProxyHeader(
            octets.slice(start, FIXED + length),
            command == COMMAND_PROXY ? source(family, rest) : Optional.empty()));
  }

  private static Optional<InetSocketAddress> source(int family, ByteBuffer rest)
      throws ProtocolException {
    if (family != TCP_OVER_IPV4 && family != TCP_OVER_IPV6) {
      return Optional.empty();
    }
    byte[] address = new byte[family == TCP_OVER_IPV4 ? IPV4_LENGTH : IPV6_LENGTH];
    if (rest.remaining() < 2 * address.length + 4) {
      throw new ProtocolException("malformed PROXY header");
    }
    rest.get(address);
    int port = Short.toUnsignedInt(rest.getShort(2 * address.length));
    try {
      return Optional.of(new InetSocketAddress(InetAddress.getByAddress(address), port));
    } catch (UnknownHostException e) {
      throw new AssertionError(e); // of an address of the right length
    }
  }
}
