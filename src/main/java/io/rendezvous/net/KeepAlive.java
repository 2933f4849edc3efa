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
 * TCP keepalive with times of our own: 10 s idle, then 3 probes 3 s apart, so that a dead peer is
 * found within 19 s (PROTOCOL 1.3). XNIO can only switch it on, with the kernel's two hours; so the
 * sockets below are looked up once. Accepted sockets inherit the times of the listening one.
 *
 * <p>Not TCP_USER_TIMEOUT: that ends a connection whose reader merely stalls as well.
 */
final class KeepAlive {
  private static final Logger LOG = LoggerFactory.getLogger(KeepAlive.class);

  private KeepAlive() {}

  /** Sets the times on a listening socket. */
  static void keepAlive(AcceptingChannel<?> server) {
    try {
      keepAlive((NetworkChannel) field(field(server, "realServer"), "channel"));
    } catch (ReflectiveOperationException e) {
      warn(e);
    }
  }

  /** Sets the times on a connection that was opened from here. */
  static void keepAlive(StreamConnection socket) {
    try {
      Method channel = socket.getClass().getDeclaredMethod("getChannel");
      channel.setAccessible(true);
      keepAlive((NetworkChannel) channel.invoke(socket));
    } catch (ReflectiveOperationException e) {
      warn(e);
    }
  }

  private static void keepAlive(NetworkChannel channel) {
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
        "TCP keepalive stays at the system's times; dead peers are noticed late: {}", e.toString());
  }
}
