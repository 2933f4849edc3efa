/**
 * The older protocol, with a registrar and cookies (PROTOCOL 2): a hidden server registers over
 * HTTPS, and both sides meet on a TCP port by the cookies they were given. Start with {@link
 * io.rendezvous.protocol.registrar.Registrar}.
 */
@NullMarked
package io.rendezvous.protocol.registrar;

import org.jspecify.annotations.NullMarked;
