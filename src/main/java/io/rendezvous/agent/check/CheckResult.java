package io.rendezvous.agent.check;

/**
 * The result of one step of a check.
 *
 * @param step the name of the step
 * @param passed whether the step succeeded
 * @param detail what was found or, after a failure, what to do
 */
public record CheckResult(String step, boolean passed, String detail) {}
