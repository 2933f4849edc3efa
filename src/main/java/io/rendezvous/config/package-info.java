/** The settings, and nothing else: the only place where their names are known. */
@NullMarked
package io.rendezvous.config;

import org.jspecify.annotations.NullMarked;
