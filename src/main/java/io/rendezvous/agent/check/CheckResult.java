package io.rendezvous.agent.check;

/**
 * How one step of a check went.
 *
 * @param step what was tried
 * @param passed whether it went well
 * @param detail what was found, or what to do
 */
public record CheckResult(String step, boolean passed, String detail) {}
