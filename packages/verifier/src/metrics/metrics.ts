import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Context } from '../context.ts';
import { expireVerdicts } from '../hosts/verdict.ts';
import { fleetCounts } from '../store/counts.ts';
import { expiryOf } from '../policies/list.ts';
import { policiesInForce } from '../store/policies.ts';
import { driftOf } from '../policies/source/drift.ts';
import { policySourceRow } from '../store/policy-source.ts';
import { isUnavailable } from '../store/unavailable.ts';
import type { Pulse } from './pulse.ts';

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const VERDICTS = ['trusted', 'warning', 'failed', 'stale', 'unverified', 'pending'] as const;

/** Figures for Prometheus. No label has a value that comes from a host or a request: their number is bounded. */
export class Metrics {
  readonly registry = new Registry();
  /** What is in the store. */
  readonly #fleet = new Registry();
  readonly #requests: Counter<'route' | 'method' | 'status'>;
  readonly #seconds: Histogram<'route'>;
  readonly #gauges: ReturnType<typeof gaugesOf>;
  readonly #late: Gauge;
  readonly #context: Context;
  readonly #pulse: Pulse;

  constructor(context: Context, pulse: Pulse) {
    this.#context = context;
    this.#pulse = pulse;
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#requests = new Counter({
      name: 'assay_http_requests_total',
      help: 'Requests that were answered, by route and status.',
      labelNames: ['route', 'method', 'status'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'assay_http_request_seconds',
      help: 'Time from a request to its answer; of /v1/agent/evidence that is a whole round.',
      labelNames: ['route'],
      buckets: BUCKETS,
      registers,
    });
    this.#gauges = gaugesOf(this.#fleet);
    this.#late = lateGauge(this.registry);
  }

  /** @param route as it was declared, with its parameters in place; undefined for none of ours */
  answered(route: string | undefined, method: string, status: number, seconds: number): void {
    const known = route ?? 'none';
    this.#requests.inc({ route: known, method, status });
    this.#seconds.observe({ route: known }, seconds);
  }

  /** The text that `/metrics` answers, with the state of the fleet as it is now; without that where the store does not answer. */
  async text(): Promise<string> {
    this.#late.set(this.#pulse.lateSeconds());
    try {
      await this.#readFleet();
    } catch (error) {
      if (isUnavailable(error)) return this.registry.metrics();
      throw error;
    }
    return Registry.merge([this.registry, this.#fleet]).metrics();
  }

  async #readFleet(): Promise<void> {
    await expireVerdicts(this.#context);
    const { hosts, findings, alerts, deliveries, oldestEvidence } = await fleetCounts(this.#context.database);
    const gauges = this.#gauges;
    for (const verdict of VERDICTS) gauges.hosts.set({ verdict }, hosts.get(verdict) ?? 0);
    gauges.findings.reset();
    for (const { code, severity, count } of findings) gauges.findings.set({ code, severity }, count);
    gauges.alerts.set(alerts);
    gauges.deliveries.set(deliveries);
    const now = this.#context.now().getTime();
    gauges.evidence.set(oldestEvidence === null ? 0 : Math.max(0, now - Date.parse(oldestEvidence)) / 1000);
    await this.#policies();
  }

  async #policies(): Promise<void> {
    const { database } = this.#context;
    const source = await policySourceRow(database);
    this.#gauges.source.set((source?.error ?? null) === null ? 0 : 1);
    const expiring = (await policiesInForce(database)).map((row) => expiryOf(row, this.#context.now()));
    for (const state of ['soon', 'over'] as const) {
      this.#gauges.expiring.set({ state }, expiring.filter((each) => each === state).length);
    }
    this.#gauges.drift.set((await driftOf(database)).filter(({ drift }) => drift !== null).length);
  }
}

function gaugesOf(registry: Registry) {
  const registers = [registry];
  return {
    hosts: new Gauge({ name: 'assay_hosts', help: 'Hosts by verdict.', labelNames: ['verdict'], registers }),
    findings: new Gauge({
      name: 'assay_findings_open',
      help: 'Open findings of all hosts, by code.',
      labelNames: ['code', 'severity'],
      registers,
    }),
    alerts: new Gauge({ name: 'assay_alerts_open', help: 'Alerts that are open.', registers }),
    deliveries: new Gauge({
      name: 'assay_alert_deliveries_waiting',
      help: 'Messages that no sink has taken yet.',
      registers,
    }),
    source: new Gauge({
      name: 'assay_policies_source_failing',
      help: 'Whether what the source of policies has cannot be applied; what is in force stays.',
      registers,
    }),
    expiring: new Gauge({
      name: 'assay_policies_expiring',
      help: 'Policies in force that are good for less than 14 days (soon), or no more (over).',
      labelNames: ['state'],
      registers,
    }),
    drift: new Gauge({
      name: 'assay_policies_drifted',
      help: 'Policies that are not in force as their source has them.',
      registers,
    }),
    evidence: new Gauge({
      name: 'assay_evidence_age_seconds_max',
      help: 'Age of the oldest evidence that a verdict rests on; hosts that are stale are not counted.',
      registers,
    }),
  };
}

function lateGauge(registry: Registry): Gauge {
  return new Gauge({
    name: 'assay_verifier_late_seconds',
    help: 'By how much the verifier itself is late with what it does every second. Over 10 it is not ready.',
    registers: [registry],
  });
}
