package io.rendezvous.net;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * The source of a connection, which limits and tokens go by: an IPv4 address, or the /64 of an IPv6
 * address, since whoever has one address of a /64 has them all.
 *
 * @param prefix the address or the prefix, as text
 */
public record Source(String prefix) {

  /** Returns the source that an address belongs to. */
  public static Source of(InetAddress address) {
    if (!(address instanceof Inet6Address)) {
      return new Source(address.getHostAddress());
    }
    byte[] prefix = address.getAddress();
    Arrays.fill(prefix, 8, 16, (byte) 0);
    try {
      return new Source(InetAddress.getByAddress(prefix).getHostAddress() + "/64");
    } catch (UnknownHostException e) {
      throw new AssertionError(e); // 16 bytes are an address
    }
  }

  @Override
  public String toString() {
    return prefix;
  }
}
