package io.rendezvous.protocol.link;

import io.rendezvous.entry.ClientAuthenticator;
import io.rendezvous.entry.ClientAuthenticator.Verdict;
import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import io.rendezvous.http.InfoPage;
import io.rendezvous.http.Problem;
import io.rendezvous.http.RendezvousCookie;
import io.rendezvous.link.Link;
import io.rendezvous.protocol.ClientRequest;
import io.rendezvous.protocol.LinkResolver;
import io.rendezvous.protocol.LinkResolver.Found;
import io.rendezvous.protocol.Protocol;
import io.rendezvous.protocol.Refusals;
import io.rendezvous.tunnel.TunnelListener;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.function.Predicate;

/**
 * The broker's own pages under {@link Link#PREFIX} (protocol.md, 1.6). A link sets the cookie that
 * leads a browser to a hidden server. It asks first if the browser is at another one, and if the
 * entry has a password. The page without a token shows the hidden server and lets the browser leave
 * it. None of these requests reaches a hidden server. On host names {@code LABEL.DOMAIN} every path
 * is the hidden server's.
 *
 * <p>Lives on the I/O threads of its connections.
 */
public final class LinkPages implements Protocol {
  private static final String ATTRIBUTES = "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=";
  private static final String FIELD = "password=";

  private final LinkResolver links;
  private final ClientAuthenticator clients;
  private final OwnOrigin ownOrigin;
  private final Refusals refusals;
  private final Executor worker;

  /**
   * Creates the pages.
   *
   * @param clients checks the passwords of entries
   * @param tls whether the broker speaks TLS itself
   * @param worker runs tasks that may block
   */
  public LinkPages(
      LinkResolver links,
      ClientAuthenticator clients,
      boolean tls,
      Refusals refusals,
      Executor worker) {
    this.links = links;
    this.clients = clients;
    this.ownOrigin = new OwnOrigin(tls);
    this.refusals = refusals;
    this.worker = worker;
  }

  @Override
  public boolean claims(ClientRequest request) {
    return request.named().isEmpty() && request.head().path().startsWith(Link.PREFIX);
  }

  @Override
  public void accept(ClientRequest request) {
    Visitor visitor = new Visitor(request.connection(), refusals, worker);
    String token = request.head().path().substring(Link.PREFIX.length());
    switch (request.head().method()) {
      case "GET", "HEAD" -> open(visitor, token, Optional.empty());
      case "POST" -> post(visitor, token);
      default -> refuse(visitor, Pages.NOT_ALLOWED, Map.of("Allow", "GET, HEAD, POST"));
    }
  }

  private void post(Visitor visitor, String token) {
    long length = visitor.head().bodyLength();
    if (!ownOrigin.sent(visitor.head())) {
      refuse(visitor, Pages.OTHER_SITE, Map.of());
    } else if (length < 0 || length > Visitor.MAX_FORM) {
      refuse(visitor, Pages.TOO_LARGE, Map.of());
    } else if (token.isEmpty()) {
      visitor.redirect(Link.PREFIX, RendezvousCookie.NAME + "=" + ATTRIBUTES + 0);
    } else {
      visitor.readForm(form -> open(visitor, token, Optional.of(form)));
    }
  }

  /**
   * A link, and what the browser has chosen before.
   *
   * @param chosen the entry of a valid cookie
   */
  private record Opened(Found link, Optional<Entry> chosen) {}

  /**
   * Opens a page.
   *
   * @param form what the browser's user has confirmed or typed; empty if nothing was sent yet
   */
  private void open(Visitor visitor, String token, Optional<String> form) {
    Optional<String> cookie = RendezvousCookie.of(visitor.head());
    visitor.ask(
        () ->
            new Opened(
                token.isEmpty() ? new Found.Invalid() : links.link(token),
                cookie
                    .map(links::cookie)
                    .filter(Found.Valid.class::isInstance)
                    .map(found -> ((Found.Valid) found).entry())),
        opened -> {
          if (token.isEmpty()) {
            visitor.show(Pages.chosen(opened.chosen()), Map.of());
          } else if (opened.link() instanceof Found.Valid valid) {
            onLink(visitor, valid, opened.chosen(), form);
          } else if (opened.link() instanceof Found.Unavailable) {
            refuse(visitor, Pages.UNAVAILABLE, Map.of("Retry-After", "5"));
          } else {
            refuse(visitor, Pages.GONE, Map.of());
          }
        });
  }

  private void onLink(
      Visitor visitor, Found.Valid valid, Optional<Entry> chosen, Optional<String> form) {
    UUID id = valid.entry().id();
    Optional<Entry> other = chosen.filter(entry -> !entry.id().equals(id));
    boolean isChosen = chosen.isPresent() && other.isEmpty(); // so the password was known
    if (valid.entry().hasPassword() && !isChosen) {
      if (form.isPresent()) {
        check(visitor, valid, other, password(form.get()), false);
      } else {
        visitor.show(Pages.password(other, valid.entry(), false), Map.of());
      }
    } else if (other.isPresent() && form.isEmpty()) {
      visitor.show(Pages.replace(other.get(), valid.entry()), Map.of());
    } else {
      enter(visitor, valid);
    }
  }

  /** Sets the cookie, and leads to the path of the link. */
  private void enter(Visitor visitor, Found.Valid valid) {
    long seconds = Math.max(1, links.left(valid).toSeconds());
    visitor.redirect(
        escaped(valid.link().path()),
        RendezvousCookie.NAME + "=" + links.newCookie(valid) + ATTRIBUTES + seconds);
  }

  /** Returns a path in which everything is escaped that cannot be in a header. */
  private static String escaped(String path) {
    StringBuilder location = new StringBuilder();
    for (byte octet : path.getBytes(StandardCharsets.UTF_8)) {
      if (octet > ' ' && octet < 0x7f) {
        location.append((char) octet);
      } else {
        location.append("%%%02X".formatted(octet));
      }
    }
    return location.toString();
  }

  // Passwords.

  /** Returns the password in a form, one char for each octet; an empty text if it has none. */
  private static String password(String form) {
    for (String field : form.split("&", -1)) {
      if (field.startsWith(FIELD)) {
        try {
          return URLDecoder.decode(field.substring(FIELD.length()), StandardCharsets.ISO_8859_1);
        } catch (IllegalArgumentException e) {
          return "";
        }
      }
    }
    return "";
  }

  private void check(
      Visitor visitor,
      Found.Valid valid,
      Optional<Entry> other,
      String password,
      boolean wasDeferred) {
    Optional<Predicate<ClientPassword>> isRight =
        password.isEmpty() ? Optional.empty() : Optional.of(stored -> stored.matches(password));
    visitor.ask(
        () -> clients.check(valid.entry().id(), visitor.source(), isRight, wasDeferred),
        verdict -> {
          if (verdict instanceof Verdict.Accepted || verdict instanceof Verdict.Unprotected) {
            enter(visitor, valid);
          } else if (verdict instanceof Verdict.Refused) {
            visitor.show(Pages.password(other, valid.entry(), true), Map.of());
          } else if (verdict instanceof Verdict.Deferred deferred) {
            visitor.after(deferred.delay(), () -> check(visitor, valid, other, password, true));
          } else if (verdict instanceof Verdict.Throttled throttled) {
            Duration delay = throttled.delay().plusMillis(999);
            refuse(visitor, Pages.TOO_MANY, Map.of("Retry-After", "" + delay.toSeconds()));
          } else {
            refuse(visitor, Pages.UNAVAILABLE, Map.of("Retry-After", "5"));
          }
        });
  }

  private void refuse(Visitor visitor, InfoPage page, Map<String, String> headers) {
    int status = Integer.parseInt(page.status().substring(0, 3));
    refusals.refused(
        visitor.conn(),
        TunnelListener.Side.CLIENT,
        Optional.empty(),
        Problem.temporary(status, "a link or a page of the broker was refused"));
    visitor.show(page, headers);
  }
}
