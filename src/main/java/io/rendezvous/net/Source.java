package io.rendezvous.net;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * Where a connection comes from, as limits count it: an IPv4 address, or the /64 of an IPv6
 * address, since whoever has one address of a /64 has them all.
 *
 * @param prefix the address, or its prefix, in text
 */
public record Source(String prefix) {

  /** Returns the source that an address belongs to. */
  public static Source of(InetAddress address) {
    if (!(address instanceof Inet6Address)) {
      return new Source(address.getHostAddress());
    }
    byte[] octets = address.getAddress();
    Arrays.fill(octets, 8, 16, (byte) 0);
    try {
      return new Source(InetAddress.getByAddress(octets).getHostAddress() + "/64");
    } catch (UnknownHostException e) {
      throw new AssertionError(e); // 16 octets are an address
    }
  }

  @Override
  public String toString() {
    return prefix;
  }
}
