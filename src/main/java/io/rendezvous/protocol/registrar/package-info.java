/**
 * The older protocol with a registrar and cookies (protocol.md, 2). A hidden server registers over
 * HTTPS, and both sides meet on a TCP port by the cookies that they were given. Start with {@link
 * io.rendezvous.protocol.registrar.Registrar}.
 */
@NullMarked
package io.rendezvous.protocol.registrar;

import org.jspecify.annotations.NullMarked;
