package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaModifier;
import io.rendezvous.agent.requests.RequestHistory;
import io.rendezvous.entry.LocalTarget;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.entry.Totp;
import io.rendezvous.http.proxy.ReverseProxy;
import io.rendezvous.net.Network;
import io.rendezvous.testing.OurClasses;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The API of the library is what its package says, and needs nothing else of this project. */
class LibraryApiTest {
  private static final Set<Class<?>> AGENT =
      Set.of(
          HiddenServer.class,
          HiddenServer.Builder.class,
          Status.class,
          Status.Traffic.class,
          Event.class,
          Event.Kind.class,
          Address.class,
          AcceptedSockets.class);

  private static final Set<Class<?>> NEEDED =
      Set.of(
          Provisioning.class,
          LocalTarget.class,
          Totp.class,
          TrustedCertificates.class,
          ReverseProxy.Options.class);

  /** Of which only the constructor, and {@code close} if there is one, are part of the API. */
  private static final Set<Class<?>> OPAQUE = Set.of(Network.class, RequestHistory.class);

  private static final JavaClasses OURS = OurClasses.ALL;

  private static Set<String> names(Stream<? extends Class<?>> classes) {
    return classes.map(Class::getName).collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void packageHasNoOtherPublicTypes() {
    Set<String> found =
        OURS.stream()
            .filter(type -> type.getPackageName().equals("io.rendezvous.agent"))
            .filter(LibraryApiTest::isPublic)
            .map(JavaClass::getName)
            .collect(Collectors.toCollection(TreeSet::new));
    found.remove(ConnectResponse.class.getName()); // for the checks
    assertThat(found).isEqualTo(names(AGENT.stream()));
  }

  private static boolean isPublic(JavaClass type) {
    return type.getModifiers().contains(JavaModifier.PUBLIC)
        && type.getEnclosingClass().map(LibraryApiTest::isPublic).orElse(true);
  }

  @Test
  void signaturesMentionNothingElse() {
    Set<String> allowed = names(Stream.of(AGENT, NEEDED, OPAQUE).flatMap(types -> types.stream()));
    Set<String> mentioned =
        Stream.of(AGENT, NEEDED)
            .flatMap(types -> types.stream())
            .map(OURS::get)
            .flatMap(type -> type.getCodeUnits().stream())
            .filter(member -> member.getModifiers().contains(JavaModifier.PUBLIC))
            .flatMap(LibraryApiTest::types)
            .map(JavaClass::getBaseComponentType)
            .map(JavaClass::getName)
            .filter(name -> name.startsWith("io.rendezvous."))
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(allowed).containsAll(mentioned);
  }

  private static Stream<JavaClass> types(JavaCodeUnit member) {
    return Stream.of(
            member.getReturnType().getAllInvolvedRawTypes().stream(),
            member.getParameterTypes().stream().flatMap(t -> t.getAllInvolvedRawTypes().stream()),
            member.getExceptionTypes().stream().flatMap(t -> t.getAllInvolvedRawTypes().stream()))
        .flatMap(types -> types);
  }
}
