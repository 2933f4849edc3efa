/**
 * The checks behind the command {@code agent check}: that a broker does what a hidden server needs,
 * and that a hidden server does what clients need. They use blocking sockets and read strictly.
 */
@NullMarked
package io.rendezvous.agent.check;

import org.jspecify.annotations.NullMarked;
