package io.rendezvous.http.proxy;

import io.rendezvous.http.HeadEditor;
import io.rendezvous.http.HeaderField;
import io.rendezvous.http.Identity;
import io.rendezvous.http.Problem;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.ResponseHead;
import io.rendezvous.http.relay.Failure;
import io.rendezvous.http.relay.HttpRelay;
import io.rendezvous.http.relay.RequestObserver;
import io.rendezvous.http.relay.RequestObservers;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Passes requests on to a local server. Targets and bodies stay as they came. Of the heads it
 * changes what belongs to a connection, what says where a request comes from, and, if it is asked
 * to, the name of the server. Each client has a connection to the local server of its own, so that
 * no two clients share one.
 *
 * <p>Any thread may call.
 */
public final class ReverseProxy {
  private static final String HTTP11 = "HTTP/1.1";

  /**
   * A local server.
   *
   * @param name its name for error pages and the log
   * @param host its value of the Host header
   * @param tls whether it speaks TLS
   * @param dialer opens connections to it
   */
  public record LocalServer(String name, String host, boolean tls, Dialer dialer) {}

  /**
   * The options of a reverse proxy.
   *
   * @param rewriteHost whether requests have the local server's Host rather than the client's
   * @param forwarded whether requests say where they come from
   * @param trustedCertificates verify a local server that speaks TLS
   * @param timeout how long the local server may take to begin its response; zero for any time
   */
  public record Options(
      boolean rewriteHost,
      boolean forwarded,
      TrustedCertificates trustedCertificates,
      Duration timeout) {}

  private final LocalServer local;
  private final Options options;
  private final Predicate<String> isUserName;
  private final Consumer<String> onFailure;
  private final HttpRelay.Context context;
  private final RequestObservers observers;
  private final HostMapping mapping;

  /**
   * Creates a proxy for a local server.
   *
   * @param isUserName recognizes the user names that are meant for the broker; the local server
   *     does not see their credentials
   * @param onFailure is told why a request was answered with 502 or 504, on an I/O thread
   * @param observers choose who observes the requests
   */
  public ReverseProxy(
      LocalServer local,
      Options options,
      Predicate<String> isUserName,
      Consumer<String> onFailure,
      HttpRelay.Context context,
      RequestObservers observers) {
    this.local = local;
    this.options = options;
    this.isUserName = isUserName;
    this.onFailure = onFailure;
    this.context = context;
    this.observers = observers;
    this.mapping =
        new HostMapping(local.host(), (local.tls() ? "https://" : "http://") + local.host());
  }

  /**
   * Returns a relay for the connection of a client, which has not started.
   *
   * @param source the address of the client, if it is not the peer's
   * @param over runs once when the connection is closed
   */
  public HttpRelay relay(Conn near, Optional<InetSocketAddress> source, Runnable over) {
    InetAddress client = source.orElseGet(near::peer).getAddress();
    return new HttpRelay(near, new Owner(near, client, over), context);
  }

  /** Edits the heads of one client. */
  private final class Owner implements HttpRelay.Owner {
    private final Conn near;
    private final InetAddress client;
    private final Runnable over;

    Owner(Conn near, InetAddress client, Runnable over) {
      this.near = near;
      this.client = client;
      this.over = over;
    }

    @Override
    public Optional<Problem> editRequest(RequestHead request, HeadEditor editor) {
      editor.removeIf(ReverseProxy.this::isForTheBroker);
      ConnectionFields.removeFrom(request, editor);
      OriginFields.remove(editor);
      Optional<String> host = request.value("Host");
      if (options.forwarded()) {
        OriginFields.add(editor, client, host);
      }
      if (options.rewriteHost()) {
        mapping.toLocal(editor, host.orElse(""));
      }
      return Optional.empty();
    }

    @Override
    public void editAnswer(RequestHead request, ResponseHead answer, HeadEditor editor) {
      if (!answer.http11()) { // a proxy speaks for itself (RFC 9112, 2.3)
        editor.setStartLine(HTTP11 + editor.startLine().substring(HTTP11.length()));
      }
      ConnectionFields.removeFrom(answer, editor);
      if (options.rewriteHost()) {
        request.value("Host").ifPresent(host -> mapping.toClient(editor, host));
      }
    }

    @Override
    public void connect(Dialer.Result result) {
      local.dialer().dialBeside(near, result);
    }

    @Override
    public ByteBuffer answer(RequestHead request, Failure failure) {
      Problem problem =
          options
              .trustedCertificates()
              .takeRefusal()
              .map(why -> GatewayProblem.untrusted(local.name(), why))
              .orElseGet(() -> GatewayProblem.of(failure, local.name()));
      if (failure.kind() != Failure.Kind.BAD_REQUEST) {
        onFailure.accept(
            "a request was answered with " + problem.status() + ": " + problem.diagnostic());
      }
      return GatewayProblem.answer(request, problem, context.clock().instant());
    }

    @Override
    public Duration timeout() {
      return options.timeout();
    }

    @Override
    public boolean reconnects() {
      return true;
    }

    @Override
    public Optional<RequestObserver> observer(RequestHead request, ByteBuffer sent) {
      return observers.of(request, sent);
    }

    @Override
    public void over() {
      over.run();
    }
  }

  /**
   * Returns whether a line is an Authorization that was meant for the broker. The broker itself
   * removes it from the first request of a connection only, since it does not see the others.
   */
  private boolean isForTheBroker(HeaderField field) {
    if (!field.is("Authorization")) {
      return false;
    }
    try {
      return Identity.userName(field.value()).filter(isUserName).isPresent();
    } catch (ProtocolException e) { // the local server may understand it
      return false;
    }
  }
}
