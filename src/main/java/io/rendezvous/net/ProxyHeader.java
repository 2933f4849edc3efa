package io.rendezvous.net;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/**
 * A header of the PROXY protocol, version 2, which names the client of a relayed connection
 * (haproxy.org, proxy-protocol.txt, 2.2).
 *
 * @param octets the header as it is on the wire; not to be changed
 * @param source the address of the client, if the header has one
 */
public record ProxyHeader(ByteBuffer octets, Optional<InetSocketAddress> source) {
  /** The octets that every header begins with. No request begins with them. */
  private static final byte[] SIGNATURE = {
    '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'
  };

  private static final int FIXED_LENGTH = SIGNATURE.length + 4;
  private static final int MAX_VARIABLE_LENGTH = 1024;
  private static final int VERSION_2 = 0x20;
  private static final int COMMAND_PROXY = 0x21;
  private static final int TCP_OVER_IPV4 = 0x11;
  private static final int TCP_OVER_IPV6 = 0x21;
  private static final int IPV4_LENGTH = 4;
  private static final int IPV6_LENGTH = 16;

  /**
   * Returns the octets of a header. It has no addresses if one is IPv4 and the other IPv6.
   *
   * @param source the address of the client
   * @param destination the address at which its connection was accepted
   */
  public static ByteBuffer of(InetSocketAddress source, InetSocketAddress destination) {
    byte[] from = source.getAddress().getAddress();
    byte[] to = destination.getAddress().getAddress();
    boolean sameFamily = from.length == to.length;
    int length = sameFamily ? 2 * from.length + 4 : 0;
    ByteBuffer header = ByteBuffer.allocate(FIXED_LENGTH + length).put(SIGNATURE);
    int family = from.length == IPV4_LENGTH ? TCP_OVER_IPV4 : TCP_OVER_IPV6;
    header.put((byte) COMMAND_PROXY).put((byte) (sameFamily ? family : 0)).putShort((short) length);
    if (sameFamily) {
      header.put(from).put(to);
      header.putShort((short) source.getPort()).putShort((short) destination.getPort());
    }
    return header.flip();
  }

  /** Returns whether octets begin with a header, or may do so once more of them are there. */
  public static boolean mayBegin(ByteBuffer octets) {
    int length = Math.min(octets.remaining(), SIGNATURE.length);
    byte[] begin = new byte[length];
    octets.duplicate().get(begin);
    return Arrays.equals(begin, 0, length, SIGNATURE, 0, length);
  }

  /**
   * Takes the header that octets begin with. {@link #mayBegin} has to have returned true for them.
   *
   * @return empty if the header is not whole yet, and nothing was taken
   * @throws ProtocolException if it is malformed or of another version
   */
  public static Optional<ProxyHeader> take(ByteBuffer octets) throws ProtocolException {
    if (octets.remaining() < FIXED_LENGTH) {
      return Optional.empty();
    }
    int start = octets.position();
    int command = octets.get(start + SIGNATURE.length);
    int family = octets.get(start + SIGNATURE.length + 1);
    int length = Short.toUnsignedInt(octets.getShort(start + SIGNATURE.length + 2));
    if ((command & 0xf0) != VERSION_2 || length > MAX_VARIABLE_LENGTH) {
      throw new ProtocolException("malformed PROXY header");
    }
    if (octets.remaining() < FIXED_LENGTH + length) {
      return Optional.empty();
    }
    ByteBuffer rest = octets.slice(start + FIXED_LENGTH, length);
    octets.position(start + FIXED_LENGTH + length);
    return Optional.of(
        new ProxyHeader(
            octets.slice(start, FIXED_LENGTH + length),
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
      throw new AssertionError(e); // the length is right
    }
  }
}
