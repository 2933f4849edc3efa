package io.rendezvous.cli;

import io.rendezvous.tls.keys.CertificateAuthority;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes the broker's certificate. */
@Command(
    name = "cert",
    description = {
      "Make a certificate, signed by an authority of your own that is made on the way.",
      "serve makes one by itself where there is none, and renews it."
    })
final class CertCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConfigOption config;

  @Option(
      names = "--host",
      paramLabel = "NAME",
      description = "A name or address of the broker; the first is its public one.")
  private List<String> hosts = List.of();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Where to (default: where the settings say).")
  private @Nullable Path directory;

  @Override
  public Integer call() throws Exception {
    Installation installation = config.installation();
    Path certificate;
    if (directory == null) {
      installation.makeCertificate(hosts);
      certificate = installation.settings().tls().certificate();
    } else {
      certificate = directory.resolve("registrar.crt");
      Set<String> names = new LinkedHashSet<>(hosts);
      names.addAll(CertificateAuthority.namesOfThisMachine());
      new CertificateAuthority(certificate, directory.resolve("registrar.key"))
          .make(names, Instant.now());
    }
    spec.commandLine().getOut().println("Made a certificate: " + certificate);
    return 0;
  }
}
