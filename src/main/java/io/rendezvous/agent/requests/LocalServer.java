package io.rendezvous.agent.requests;

import io.rendezvous.net.Dialer;

/**
 * The local server of an entry, to which its requests are sent.
 *
 * @param name the name of the entry
 * @param dialer opens connections to the local server
 */
record LocalServer(String name, Dialer dialer) {}
