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

/** Creates the broker's certificate. */
@Command(
    name = "cert",
    description = {
      "Create a certificate for the broker, signed by a certificate authority of its own.",
      "The authority is created too if there is none. The serve command does all this by itself if"
          + " there is no certificate, and renews the one it has created."
    })
final class CertCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private InstallationOptions options;

  @Option(
      names = "--host",
      paramLabel = "NAME",
      description = "A host name or address of the broker, the public one first. May be repeated.")
  private List<String> hosts = List.of();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "The directory to write to (default: the paths in the settings).")
  private @Nullable Path directory;

  @Override
  public Integer call() throws Exception {
    Path certificate;
    if (directory == null) {
      Installation installation = options.namedOrExisting();
      installation.createCertificate(hosts);
      certificate = installation.settings().tls().certificate();
    } else {
      certificate = directory.resolve("registrar.crt");
      Set<String> names = new LinkedHashSet<>(hosts);
      names.addAll(CertificateAuthority.namesOfThisMachine());
      new CertificateAuthority(certificate, directory.resolve("registrar.key"))
          .make(names, Instant.now());
    }
    spec.commandLine().getOut().println("Created a certificate: " + certificate);
    return 0;
  }
}
