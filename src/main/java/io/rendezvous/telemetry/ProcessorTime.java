package io.rendezvous.telemetry;

import com.sun.management.OperatingSystemMXBean;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.config.MeterFilterReply;
import java.lang.management.ManagementFactory;

/**
 * The metrics of the processors and of the time that this process has used of them. The names and
 * units are those that Prometheus asks for, where Micrometer's are not: seconds rather than
 * nanoseconds, and no name that ends in {@code _count} as histograms do. Because it sets filters,
 * it must be the first binder of its registry.
 *
 * <p>Any thread may call.
 */
public final class ProcessorTime implements MeterBinder {
  private static final String NANOSECONDS = "process.cpu.time";
  private static final String COUNT = "system.cpu.count";
  private static final double NANOS_PER_SECOND = 1e9;

  /** A counter holds its object weakly; this one lives as long as the process. */
  private final OperatingSystemMXBean system =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

  @Override
  public void bindTo(MeterRegistry registry) {
    registry.config().meterFilter(new Names());
    new ProcessorMetrics().bindTo(registry);
    FunctionCounter.builder(
            "process.cpu", system, bean -> bean.getProcessCpuTime() / NANOS_PER_SECOND)
        .description("Processor time that this process has used")
        .baseUnit("seconds")
        .register(registry);
  }

  /** Replaces the names that Prometheus does not allow. */
  private static final class Names implements MeterFilter {
    @Override
    public MeterFilterReply accept(Meter.Id id) {
      return id.getName().endsWith(NANOSECONDS) ? MeterFilterReply.DENY : MeterFilterReply.NEUTRAL;
    }

    @Override
    public Meter.Id map(Meter.Id id) {
      return id.getName().endsWith(COUNT)
          ? id.withName(id.getName().replace(COUNT, "system.cpus"))
          : id;
    }
  }
}
