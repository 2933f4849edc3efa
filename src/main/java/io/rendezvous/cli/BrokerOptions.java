package io.rendezvous.cli;

import io.rendezvous.agent.Address;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.entry.Totp;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that identify a hidden server and its broker. */
final class BrokerOptions {
  private static final String SECRET_VARIABLE = "RENDEZVOUS_AGENT_SECRET";

  @Option(
      names = "--entry",
      paramLabel = "FILE",
      description =
          "The provisioning file, .json or .js. The agent command also accepts a directory of such"
              + " files, and this option may be repeated; files may change, appear and disappear"
              + " while it runs.")
  private List<Path> entries = List.of();

  @Option(
      names = "--broker",
      paramLabel = "URL",
      description = "The broker, as https://HOST:PORT (default: the one in the provisioning file).")
  private @Nullable String brokerUrl;

  @Option(names = "--id", paramLabel = "UUID", description = "The UUID, in place of --entry.")
  private @Nullable String id;

  @Option(
      names = "--secret",
      paramLabel = "BASE32",
      description =
          "The secret. Other users can see it in the list of processes; prefer --entry,"
              + " --secret-file or the environment variable "
              + SECRET_VARIABLE
              + ".")
  private @Nullable String secret;

  @Option(
      names = "--secret-file",
      paramLabel = "FILE",
      description = "A file that contains the secret, in base32.")
  private @Nullable Path secretFile;

  @Option(
      names = "--digits",
      paramLabel = "N",
      defaultValue = "8",
      description = "Number of digits of a token (default: 8).")
  private int digits;

  @Option(
      names = "--ca",
      paramLabel = "FILE",
      description =
          "Trust this CA certificate for the broker (default: the one in the provisioning file, else"
              + " those of Java).")
  private @Nullable Path ca;

  @Option(names = "--insecure", description = "Do not verify the broker's certificate.")
  private boolean insecure;

  /**
   * What a client knows of a hidden server.
   *
   * @param id the UUID
   * @param broker the broker's address
   * @param ca the certificate that the broker's is verified with, in PEM, if the file has one
   */
  record Named(UUID id, Address broker, Optional<String> ca) {}

  /**
   * Returns what the provisioning file says, or else the options.
   *
   * @throws IllegalArgumentException if something is missing
   */
  Provisioning provisioning() throws IOException {
    List<Path> files = files();
    if (files.size() > 1) {
      throw new IllegalArgumentException("Only one --entry FILE is allowed here");
    }
    return files.isEmpty()
        ? fromOptions()
        : withBroker(Provisioning.parse(Files.readString(files.get(0))));
  }

  /**
   * Returns the files and directories given with --entry, which may be none.
   *
   * @throws IllegalArgumentException if --id or a secret is given as well
   */
  List<Path> files() {
    if (!entries.isEmpty() && (id != null || secret != null || secretFile != null)) {
      throw new IllegalArgumentException("--entry excludes --id, --secret and --secret-file");
    }
    return entries;
  }

  /** Returns the contents of a file, with the broker of --broker if that was given. */
  Provisioning withBroker(Provisioning file) {
    if (brokerUrl == null) {
      return file;
    }
    Address given = Address.parse(brokerUrl, "https");
    return file.at(given.host(), given.port());
  }

  /**
   * Returns what --broker, --id and the secret say.
   *
   * @throws IllegalArgumentException if one of them is missing
   */
  Provisioning fromOptions() throws IOException {
    Named named = namedByOptions("Missing: --entry FILE, or --broker, --id and a secret");
    Totp totp = new Totp("sha1", secret(), 30, digits);
    return new Provisioning(
        named.id(), List.of(), totp, named.broker().host(), named.broker().port(), named.ca());
  }

  /**
   * Returns the hidden server that the provisioning file names, or else the options.
   *
   * @throws IllegalArgumentException if something is missing
   */
  Named named() throws IOException {
    if (entries.isEmpty()) {
      return namedByOptions("Missing: --entry FILE, or --broker and --id");
    }
    Provisioning file = provisioning();
    return new Named(file.id(), new Address(file.host(), file.port()), file.ca());
  }

  private Named namedByOptions(String missing) {
    if (id == null || brokerUrl == null) {
      throw new IllegalArgumentException(missing);
    }
    String given = id;
    UUID uuid =
        Entry.parseId(given)
            .orElseThrow(() -> new IllegalArgumentException("not a UUID: " + given));
    return new Named(uuid, Address.parse(brokerUrl, "https"), Optional.empty());
  }

  private String secret() throws IOException {
    if (secret != null) {
      return secret;
    }
    if (secretFile != null) {
      return Files.readString(secretFile).strip();
    }
    String variable = System.getenv(SECRET_VARIABLE);
    if (variable == null) {
      throw new IllegalArgumentException(
          "Missing: --secret-file FILE, or " + SECRET_VARIABLE + " in the environment");
    }
    return variable.strip();
  }

  /**
   * Returns the certificates that the broker's is verified with.
   *
   * @param fileCa the one in the provisioning file, in PEM
   */
  TrustedCertificates trusted(Optional<String> fileCa) throws IOException {
    if (insecure) {
      return TrustedCertificates.all();
    }
    return TrustedCertificates.in(ca == null ? fileCa : Optional.of(Files.readString(ca)));
  }
}
