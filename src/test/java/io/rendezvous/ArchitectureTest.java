package io.rendezvous;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.equivalentTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.library.Architectures;
import io.rendezvous.net.Source;
import io.rendezvous.testing.OurClasses;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** The rules of the house: which package may know which. */
class ArchitectureTest {
  private static final JavaClasses OURS = OurClasses.ALL;

  /** From the ground up. A room may know those before it. */
  private static final List<String> FLOORS =
      List.of(
          "config",
          "net",
          "tls",
          "entry",
          "link",
          "http",
          "tunnel",
          "telemetry",
          "protocol",
          "admin");

  @Test
  void packagesDependOnEachOtherInOneDirectionOnly() {
    slices().matching("io.rendezvous.(**)").should().beFreeOfCycles().check(OURS);
  }

  @Test
  void importsGoDownOnly() {
    Architectures.LayeredArchitecture floors =
        Architectures.layeredArchitecture().consideringOnlyDependenciesInLayers();
    for (String room : FLOORS) {
      floors = floors.layer(room).definedBy("io.rendezvous." + room + "..");
    }
    floors =
        floors
            .layer("agent")
            .definedBy("io.rendezvous.agent..")
            .layer("root")
            .definedBy("io.rendezvous")
            .layer("cli")
            .definedBy("io.rendezvous.cli..");
    floors = floors.whereLayer("config").mayNotAccessAnyLayer();
    for (int i = 1; i < FLOORS.size(); i++) {
      String[] below = FLOORS.subList(0, i).toArray(String[]::new);
      floors = floors.whereLayer(FLOORS.get(i)).mayOnlyAccessLayers(below);
    }
    floors
        .whereLayer("agent")
        .mayOnlyAccessLayers("config", "net", "tls", "entry", "http")
        .check(OURS);
  }

  @Test
  void netStandsOnNothingOfOurs() {
    noClasses()
        .that()
        .resideInAPackage("io.rendezvous.net..")
        .should()
        .dependOnClassesThat(
            resideInAPackage("io.rendezvous..").and(resideOutsideOfPackage("io.rendezvous.net..")))
        .check(OURS);
  }

  @Test
  void protocolsDoNotKnowEachOther() {
    slices().matching("io.rendezvous.protocol.(*)..").should().notDependOnEachOther().check(OURS);
  }

  @Test
  void protocolsAndTelemetryDoNotKnowEachOther() {
    noClasses()
        .that()
        .resideInAPackage("io.rendezvous.protocol..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.rendezvous.telemetry..")
        .check(OURS);
  }

  @Test
  void theHeartKnowsNoSockets() {
    noClasses()
        .that()
        .resideInAPackage("io.rendezvous.tunnel..")
        .should()
        .dependOnClassesThat(
            resideInAPackage("io.rendezvous.net..")
                .and(not(equivalentTo(Source.class)))
                .or(resideInAnyPackage("org.xnio..", "java.nio..")))
        .orShould()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .check(OURS);
  }

  @Test
  void librariesAreKnownWhereTheyBelong() {
    known("org.xnio..", "net..", "tls..", "http.undertow..");
    known("io.undertow..", "http.undertow..", "admin..", "agent..", "cli..");
    known("org.redisson..", "entry..");
  }

  private static void known(String library, String... rooms) {
    String[] where =
        Arrays.stream(rooms).map(room -> "io.rendezvous." + room).toArray(String[]::new);
    noClasses()
        .that()
        .resideOutsideOfPackages(where)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(library)
        .check(OURS);
  }

  @Test
  void constructorsHaveSevenParametersAtMost() {
    for (JavaClass ours : OURS) {
      if (!ours.isRecord() && !ours.isEnum()) {
        ours.getConstructors()
            .forEach(
                made ->
                    assertThat(made.getRawParameterTypes())
                        .as(made.getFullName())
                        .hasSizeLessThanOrEqualTo(ours.isInnerClass() ? 8 : 7));
      }
    }
  }

  @Test
  void everyPackageSaysThatItsTypesAreNotNull() {
    for (JavaClass ours : OURS) {
      assertThat(ours.getPackage().isAnnotatedWith(NullMarked.class)).as(ours.getName()).isTrue();
    }
  }
}
