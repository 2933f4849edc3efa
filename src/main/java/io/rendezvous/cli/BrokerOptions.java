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

/** How a hidden server is told who it is, and where its broker. */
final class BrokerOptions {
  private static final String SECRET_VARIABLE = "RENDEZVOUS_AGENT_SECRET";

  @Option(
      names = "--entry",
      paramLabel = "FILE",
      description =
          "The provisioning file, .json or .js. For agent also a directory of such, and more than"
              + " one may be given; they may change, come and go while it runs.")
  private List<Path> entries = List.of();

  @Option(
      names = "--broker",
      paramLabel = "https://HOST:PORT",
      description = "The broker, in place of the one in the file.")
  private @Nullable String brokerUrl;

  @Option(names = "--id", paramLabel = "UUID", description = "The UUID, in place of --entry.")
  private @Nullable String id;

  @Option(
      names = "--secret",
      paramLabel = "BASE32",
      description =
          "The secret. Others see it in the list of processes; better use --entry,"
              + " --secret-file or the environment's "
              + SECRET_VARIABLE
              + ".")
  private @Nullable String secret;

  @Option(
      names = "--secret-file",
      paramLabel = "FILE",
      description = "A file that holds the secret, in base32.")
  private @Nullable Path secretFile;

  @Option(
      names = "--digits",
      paramLabel = "N",
      defaultValue = "8",
      description = "Digits of the tokens (default: 8).")
  private int digits;

  @Option(
      names = "--ca",
      paramLabel = "FILE",
      description = "Verify the broker's certificate with this one (default: the file's).")
  private @Nullable Path ca;

  @Option(names = "--insecure", description = "Do not verify the broker's certificate.")
  private boolean insecure;

  /**
   * A hidden server as a client knows it.
   *
   * @param id the hidden server
   * @param broker where the broker listens
   * @param ca what the broker's certificate is to be verified with, in PEM, if the file says
   */
  record Named(UUID id, Address broker, Optional<String> ca) {}

  /**
   * Returns what the file says, or the options in its place.
   *
   * @throws IllegalArgumentException if they do not suffice, with what is missing
   */
  Provisioning provisioning() throws IOException {
    List<Path> files = files();
    if (files.size() > 1) {
      throw new IllegalArgumentException("Needed: one --entry FILE, not more");
    }
    return files.isEmpty()
        ? fromOptions()
        : broker(Provisioning.parse(Files.readString(files.get(0))));
  }

  /**
   * Returns the files and directories that were given, which may be none.
   *
   * @throws IllegalArgumentException if there is something else in their place as well
   */
  List<Path> files() {
    if (!entries.isEmpty() && (id != null || secret != null || secretFile != null)) {
      throw new IllegalArgumentException("--entry stands in place of --id and a secret");
    }
    return entries;
  }

  /** Returns a file's contents with the broker that was given in place of its own, if one was. */
  Provisioning broker(Provisioning file) {
    if (brokerUrl == null) {
      return file;
    }
    Address other = Address.parse(brokerUrl, "https");
    return file.at(other.host(), other.port());
  }

  /**
   * Returns what the options say.
   *
   * @throws IllegalArgumentException if they do not suffice, with what is missing
   */
  Provisioning fromOptions() throws IOException {
    Named named = namedByOptions("Needed: --entry FILE, or --broker, --id and a secret");
    Totp totp = new Totp("sha1", secret(), 30, digits);
    return new Provisioning(
        named.id(), List.of(), totp, named.broker().host(), named.broker().port(), named.ca());
  }

  /**
   * Returns which hidden server the file names, or the options in its place, with no secret.
   *
   * @throws IllegalArgumentException if they do not suffice, with what is missing
   */
  Named named() throws IOException {
    if (entries.isEmpty()) {
      return namedByOptions("Needed: --entry FILE, or --broker and --id");
    }
    Provisioning file = provisioning();
    return new Named(file.id(), new Address(file.host(), file.port()), file.ca());
  }

  private Named namedByOptions(String needed) {
    if (id == null || brokerUrl == null) {
      throw new IllegalArgumentException(needed);
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
          "Needed: --secret-file FILE, or " + SECRET_VARIABLE + " in the environment");
    }
    return variable.strip();
  }

  /**
   * Returns whose certificate the broker is believed by.
   *
   * @param fileCa what the file says
   */
  TrustedCertificates trust(Optional<String> fileCa) throws IOException {
    if (insecure) {
      return TrustedCertificates.inAnybody();
    }
    return TrustedCertificates.in(ca == null ? fileCa : Optional.of(Files.readString(ca)));
  }
}
