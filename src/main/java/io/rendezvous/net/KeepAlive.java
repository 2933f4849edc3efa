package io.rendezvous.net;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.channels.NetworkChannel;
import jdk.net.ExtendedSocketOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.xnio.StreamConnection;
import org.xnio.channels.AcceptingChannel;

/**
 * Sets the times of TCP keepalive: a probe after 10 s of silence, then 3 probes 3 s apart, so that
 * a dead peer is found within 19 s (protocol.md, 1.3). XNIO can only switch keepalive on, with the
 * two hours of the kernel; so its sockets are reached by reflection. Accepted sockets inherit the
 * times of the listening one.
 *
 * <p>TCP_USER_TIMEOUT is not used, since it also ends connections whose reader merely stalls.
 */
final class KeepAlive {
  private static final Logger LOG = LoggerFactory.getLogger(KeepAlive.class);

  private KeepAlive() {}

  /** Sets the times of a listening socket, and of those it accepts. */
  static void configure(AcceptingChannel<?> server) {
    try {
      configure((NetworkChannel) field(field(server, "realServer"), "channel"));
    } catch (ReflectiveOperationException e) {
      warn(e);
    }
  }

  /** Sets the times of a connection that was dialled. */
  static void configure(StreamConnection socket) {
    try {
      Method channel = socket.getClass().getDeclaredMethod("getChannel");
      channel.setAccessible(true);
      configure((NetworkChannel) channel.invoke(socket));
    } catch (ReflectiveOperationException e) {
      warn(e);
    }
  }

  private static void configure(NetworkChannel channel) {
    try {
      channel.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, 10);
      channel.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, 3);
      channel.setOption(ExtendedSocketOptions.TCP_KEEPCOUNT, 3);
    } catch (IOException | UnsupportedOperationException e) {
      warn(e);
    }
  }

  private static Object field(Object of, String name) throws ReflectiveOperationException {
    Field field = of.getClass().getDeclaredField(name);
    field.setAccessible(true);
    return field.get(of);
  }

  private static void warn(Exception e) {
    LOG.warn(
        "TCP keepalive keeps the times of the system; dead peers are noticed late: {}",
        e.toString());
  }
}
