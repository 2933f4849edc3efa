package io.rendezvous.tls.keys;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.UUID;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Hands a server's private key and certificates to JSSE, and can be given others while connections
 * are accepted. The key is held ready for use: the managers of the JDK decrypt it from a key store
 * in each handshake.
 *
 * <p>JSSE asks for an alias first, then for the key and for the certificates of that alias. Each
 * pair therefore has an alias of its own, and the last pair but one is kept: a handshake that is
 * under way while the pair is replaced is served from one of them, never from both.
 *
 * <p>Any thread may call.
 */
final class ServerKeyManager extends X509ExtendedKeyManager {
  /**
   * A private key and its certificates.
   *
   * @param alias a name that no other pair has
   * @param chain the certificate of the key first, then that of each issuer
   */
  record Pair(String alias, PrivateKey key, List<X509Certificate> chain) {
    Pair(PrivateKey key, List<X509Certificate> chain) {
      this(UUID.randomUUID().toString(), key, chain);
    }

    X509Certificate leaf() {
      return chain.get(0);
    }
  }

  private volatile List<Pair> pairs; // the current one first

  ServerKeyManager(Pair first) {
    pairs = List.of(first);
  }

  /** Returns the pair that new handshakes use. */
  Pair current() {
    return pairs.get(0);
  }

  /** Has new handshakes use another pair. One thread calls this. */
  void replace(Pair pair) {
    pairs = List.of(pair, current());
  }

  /**
   * Picks the pair of a handshake, and returns its alias, or null if its key is not of that type.
   * This is the one place where it is decided what a client is shown.
   *
   * @param keyType what the public key's {@code getAlgorithm} may be; JSSE asks for each type that
   *     the client accepts in turn
   */
  private @Nullable String pick(String keyType) {
    Pair pair = current();
    return pair.leaf().getPublicKey().getAlgorithm().equals(keyType) ? pair.alias() : null;
  }

  private @Nullable Pair find(String alias) {
    return pairs.stream().filter(pair -> pair.alias().equals(alias)).findFirst().orElse(null);
  }

  // The issuers are those that the client says it trusts. It is shown the certificate all the same.

  @Override
  public @Nullable String chooseEngineServerAlias(
      String keyType, Principal @Nullable [] issuers, SSLEngine engine) {
    return pick(keyType);
  }

  @Override
  public @Nullable String chooseServerAlias(
      String keyType, Principal @Nullable [] issuers, Socket socket) {
    return pick(keyType);
  }

  @Override
  public @Nullable PrivateKey getPrivateKey(String alias) {
    Pair pair = find(alias);
    return pair == null ? null : pair.key();
  }

  @Override
  public X509Certificate @Nullable [] getCertificateChain(String alias) {
    Pair pair = find(alias);
    return pair == null ? null : pair.chain().toArray(X509Certificate[]::new);
  }

  @Override
  public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
    String alias = pick(keyType);
    return alias == null ? null : new String[] {alias};
  }

  // A server shows no certificate as a client.

  @Override
  public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
    return null;
  }

  @Override
  public @Nullable String chooseClientAlias(
      String[] keyTypes, Principal @Nullable [] issuers, Socket socket) {
    return null;
  }
}
