/** What people and programs see of the broker and do with it, on a listener of its own. */
@NullMarked
package io.rendezvous.admin;

import org.jspecify.annotations.NullMarked;
