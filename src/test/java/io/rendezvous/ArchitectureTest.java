package io.rendezvous;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.Architectures;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** The rules of the house: which package may know which. */
class ArchitectureTest {
  private static final JavaClasses OURS =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.rendezvous");

  @Test
  void packagesDependOnEachOtherInOneDirectionOnly() {
    slices().matching("io.rendezvous.(*)..").should().beFreeOfCycles().check(OURS);
  }

  @Test
  void importsGoDownOnly() {
    Architectures.layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("config")
        .definedBy("io.rendezvous.config..")
        .layer("entry")
        .definedBy("io.rendezvous.entry..")
        .layer("net")
        .definedBy("io.rendezvous.net..")
        .layer("http")
        .definedBy("io.rendezvous.http..")
        .layer("tunnel")
        .definedBy("io.rendezvous.tunnel..")
        .layer("connect")
        .definedBy("io.rendezvous.connect..")
        .layer("registrar")
        .definedBy("io.rendezvous.registrar..")
        .layer("taas")
        .definedBy("io.rendezvous.taas..")
        .layer("admin")
        .definedBy("io.rendezvous.admin..")
        .layer("agent")
        .definedBy("io.rendezvous.agent..")
        .layer("root")
        .definedBy("io.rendezvous")
        .layer("cli")
        .definedBy("io.rendezvous.cli..")
        .whereLayer("config")
        .mayNotAccessAnyLayer()
        .whereLayer("entry")
        .mayOnlyAccessLayers("config")
        .whereLayer("net")
        .mayOnlyAccessLayers("config", "entry")
        .whereLayer("http")
        .mayOnlyAccessLayers("config", "entry", "net")
        .whereLayer("tunnel")
        .mayOnlyAccessLayers("config", "entry", "net", "http")
        .whereLayer("connect")
        .mayOnlyAccessLayers("config", "entry", "net", "http", "tunnel")
        .whereLayer("registrar")
        .mayOnlyAccessLayers("config", "entry", "net", "http", "tunnel")
        .whereLayer("taas")
        .mayOnlyAccessLayers("config", "entry", "net", "http", "tunnel")
        .whereLayer("admin")
        .mayOnlyAccessLayers("config", "entry", "net", "http", "tunnel")
        .whereLayer("agent")
        .mayOnlyAccessLayers("config", "entry", "net", "http")
        .check(OURS);
  }

  @Test
  void xnioIsKnownInNetAndWhereUndertowHandsAConnectionOver() {
    noClasses()
        .that()
        .resideOutsideOfPackages("io.rendezvous.net..", "io.rendezvous.http..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.xnio..")
        .check(OURS);
  }

  @Test
  void everyPackageSaysThatItsTypesAreNotNull() {
    for (JavaClass ours : OURS) {
      assertThat(ours.getPackage().isAnnotatedWith(NullMarked.class)).as(ours.getName()).isTrue();
    }
  }
}
