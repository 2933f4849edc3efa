package io.rendezvous.protocol.registrar;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import io.rendezvous.protocol.registrar.Registrations.Cookies;
import io.rendezvous.protocol.registrar.Registrations.Holder;
import io.rendezvous.testing.TestBroker.SteppedClock;
import io.rendezvous.tunnel.TunnelListener;
import io.rendezvous.tunnel.TunnelRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class RegistrationsTest {
  private final SteppedClock clock = new SteppedClock();
  private final TunnelRegistry tunnels =
      new TunnelRegistry(
          new TunnelRegistry.Limits(
              2, 2, 0, Duration.ofSeconds(1), Duration.ofDays(1), Duration.ZERO),
          new TunnelListener() {},
          System::nanoTime);
  private final Registrations registrations = new Registrations(tunnels, 2, clock);

  private static Entry entry() {
    return Entry.create(UUID.randomUUID(), List.of(), 6, Instant.now(), List.of());
  }

  private Cookies register(Entry entry) {
    return registrations.register(entry, System.nanoTime()).orElseThrow();
  }

  @Test
  void cookieBelongsToOneSideOfOneHiddenServer() {
    Entry entry = entry();
    Cookies cookies = register(entry);
    register(entry());
    assertThat(registrations.holder(cookies.hiddenServer()))
        .isEqualTo(new Holder.HiddenServer(entry));
    assertThat(registrations.holder(cookies.client())).isEqualTo(new Holder.Client(entry.id()));
    assertThat(registrations.clientCookie(entry.id())).contains(cookies.client());
  }

  @Test
  void onlyRegisteredServersMayRegisterAgainWhenFull() {
    Entry one = entry();
    register(one);
    clock.step(Duration.ofHours(12));
    register(entry());
    assertThat(registrations.register(entry(), System.nanoTime())).isEmpty();
    register(one);
    assertThat(registrations.counts()).hasSize(2);
  }

  @Test
  void registrationUnusedForADayMakesRoom() {
    Entry one = entry();
    Cookies cookies = register(one);
    clock.step(Duration.ofHours(12));
    register(entry());
    clock.step(Duration.ofHours(13));
    register(entry());
    assertThat(registrations.counts()).hasSize(2).doesNotContainKey(one.id());
    assertThat(registrations.holder(cookies.client())).isEqualTo(new Holder.None());
  }

  @Test
  void registrationEndsAfterExactlyOneDay() {
    Entry one = entry();
    Cookies cookies = register(one);
    clock.step(Duration.ofHours(24).minusSeconds(30));
    registrations.sweep(System.nanoTime());
    assertThat(registrations.counts(one.id()).registered()).isTrue();
    clock.step(Duration.ofSeconds(30));
    assertThat(registrations.holder(cookies.client())).isEqualTo(new Holder.None());
    assertThat(registrations.counts(one.id()).registered()).isFalse();
  }

  @Test
  void entryThatIsRevokedMeanwhileIsNotRegistered() {
    Entry one = entry();
    long before = System.nanoTime();
    registrations.revoke(one.id());
    assertThat(registrations.register(one, before)).isEmpty();
    register(one); // with its new secret
  }

  private static Entry withPassword(Entry entry) {
    ClientPassword password = ClientPassword.of(entry.id(), "rendezvous", "open sesame");
    return entry.withPassword(Optional.of(password));
  }

  @Test
  void clientsOfAnEntryWithAPasswordHaveNoCookie() {
    Entry closed = withPassword(entry());
    Cookies cookies = register(closed);
    assertThat(registrations.clientCookie(closed.id())).isEmpty();
    assertThat(registrations.holder(cookies.client())).isEqualTo(new Holder.None());
    assertThat(registrations.holder(cookies.hiddenServer()))
        .isEqualTo(new Holder.HiddenServer(closed));
  }

  @Test
  void cookieOfClientsIsVoidFromTheMomentAPasswordIsSet() {
    Entry open = entry();
    Cookies cookies = register(open);
    long before = System.nanoTime();
    registrations.passwordSet(open.id());
    assertThat(registrations.holder(cookies.client())).isEqualTo(new Holder.None());
    registrations.register(open, before); // with the entry as it was
    assertThat(registrations.clientCookie(open.id())).isEmpty();
    Cookies again = register(open); // the password was removed
    assertThat(registrations.clientCookie(open.id())).contains(again.client());
  }
}
