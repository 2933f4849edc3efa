/**
 * The settings, which are named in this package only, and the writing of files. This package
 * depends on no other of the project.
 */
@NullMarked
package io.rendezvous.config;

import org.jspecify.annotations.NullMarked;
