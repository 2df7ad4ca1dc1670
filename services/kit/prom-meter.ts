/** The real meter: prom-client, with what Node itself has to say (heap, garbage, lag of the event loop). */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Exposition, Meter } from './meter.ts'

/** A write to a good disk takes a millisecond, to a bad one a second. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]

/** One for each appliance: two in one process, as in tests, count by themselves. */
export function promMeter(): Meter & Exposition {
  const register = new Registry()
  collectDefaultMetrics({ register })
  const registers = [register]
  return {
    counter(name, help, labels = []) {
      const counter = new Counter({ name, help, labelNames: [...labels], registers })
      return (values, by = 1) => counter.inc(values, by)
    },
    duration(name, help, labels = [], seconds = SECONDS) {
      const histogram = new Histogram({ name, help, labelNames: [...labels], registers, buckets: [...seconds] })
      return (values, seconds) => histogram.observe(values, seconds)
    },
    gauge(name, help, labels, read) {
      const gauge = new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers,
        async collect() {
          const readings = await read()
          gauge.reset()
          for (const [values, value] of readings) gauge.set(values, value)
        },
      })
    },
    contentType: register.contentType,
    text: () => register.metrics(),
    values: () => register.getMetricsAsJSON(),
  }
}
