// A fleet of simulated hosts and one verifier on each store: [--hosts N] [--stores sqlite,postgres] [--pairs N] [--large N]
import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { SimulatedHost } from '@assay/testkit/evidence';
import { Agents } from './fleet/agents.ts';
import { Verifier } from './fleet/child.ts';
import { capture, findingTimes } from './fleet/findings.ts';
import { enrolled, type FleetHost } from './fleet/hosts.ts';
import { line } from './fleet/line.ts';
import { digestTimes } from './fleet/pairs.ts';
import { onStores } from './fleet/stores.ts';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '1000' },
    stores: { type: 'string', default: 'sqlite,postgres' },
    pairs: { type: 'string', default: '30000000' },
    large: { type: 'string', default: '200000' },
  },
});

/** Hosts that share one machine differ in all but the keys of its TPM. */
const MACHINES = 8;
const AT_ONCE = 64;

const LIMITS = { idle: 2000, first: 2000, memory: 20 * 1024, finding: 250, digest: 50, same: 1.25 } as const;

const IDLE_RUNS = 3;
const IDLE_ROUNDS = 100;
const SETTLE_MILLISECONDS = 1500;
const SETTLE_TRIES = 40;

/** Rounds of all hosts; the verifier's own CPU time tells what it does where the load does not share its cores. */
async function rounds(
  what: string,
  fleet: { verifier: Verifier; agents: Agents; hosts: readonly FleetHost[] },
  limit?: number,
): Promise<void> {
  const before = await fleet.verifier.usage();
  const seconds = (await fleet.agents.rounds(fleet.hosts)) / 1000;
  const after = await fleet.verifier.usage();
  const cpu = (after.cpuBefore - before.cpu) / fleet.hosts.length;
  const perSecond = 1_000_000 / cpu;
  line(`${what}: seen, with the load on the same cores`, `${(fleet.hosts.length / seconds).toFixed(0)} rounds/s`);
  line(
    `${what}: the verifier's CPU time a round`,
    `${cpu.toFixed(0)} us, ${perSecond.toFixed(0)}/s a core`,
    limit === undefined ? undefined : limit / perSecond,
  );
}

async function grow(machines: readonly SimulatedHost[], entries: number, label: string): Promise<void> {
  for (const machine of machines) {
    for (let i = 0; i < entries; i++) await machine.execute(`/usr/bin/${label}-${i}`, `${label} ${i}`);
  }
}

/** Two hosts with one long list, and their rounds without new entries beside those of a host with a short one. */
async function largeList({ verifier, store }: { verifier: Verifier; store: string }, entries: number): Promise<void> {
  const machines = [await SimulatedHost.boot({ name: 'short' }), await SimulatedHost.boot({ name: 'large' })];
  await grow(machines.slice(1), entries - 1, 'large');
  const [short, large, , other] = await enrolled(store, machines, 4, 'large');
  if (short === undefined || large === undefined || other === undefined) throw new Error('no host was enrolled');
  const agents = new Agents(verifier.url, machines, 1);
  await agents.rounds([short]);
  await firstRound({ verifier, agents }, large, `first round of ${entries} entries`);
  await settled(verifier);
  const cost = async (host: FleetHost): Promise<number> => idleCost({ verifier, agents }, host);
  const usual = await cost(short);
  line('idle, list of 1 entry', `${usual.toFixed(0)} us`);
  const long = await cost(large);
  line(`idle, list of ${entries}`, `${long.toFixed(0)} us`, long / (usual * LIMITS.same));
  await capture(verifier.url, large);
  const judged = await cost(large);
  line(`idle, list and policy of ${entries}`, `${judged.toFixed(0)} us`, judged / (usual * LIMITS.same));
  await firstRound({ verifier, agents }, other, 'the same list on another host');
  agents.close();
}

interface OneAtATime {
  readonly verifier: Verifier;
  readonly agents: Agents;
}

async function firstRound({ verifier, agents }: OneAtATime, host: FleetHost, what: string): Promise<void> {
  const before = await verifier.usage();
  await agents.inParts(host);
  const cpu = ((await verifier.usage()).cpuBefore - before.cpu) / 1000;
  const seen = agents.times.at(-1) ?? 0;
  line(`${what}: seen, with the load`, `${seen.toFixed(0)} ms`, seen / LIMITS.first);
  line(`${what}: the verifier's CPU time`, `${cpu.toFixed(0)} ms`);
}

/** Microseconds of the verifier for a round without new entries that it has nothing beside: the best of some runs. */
async function idleCost({ verifier, agents }: OneAtATime, host: FleetHost): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < IDLE_RUNS; run++) {
    await agents.rounds([host]);
    const before = await verifier.usage();
    for (let round = 0; round < IDLE_ROUNDS; round++) await agents.rounds([host]);
    best = Math.min(best, ((await verifier.usage()).cpuBefore - before.cpu) / IDLE_ROUNDS);
  }
  return best;
}

/** Until the verifier has moved the list into its index, in the background. */
async function settled(verifier: Verifier): Promise<void> {
  for (let tries = 0; tries < SETTLE_TRIES; tries++) {
    const before = await verifier.usage();
    await delay(SETTLE_MILLISECONDS);
    const cpu = (await verifier.usage()).cpuBefore - before.cpu;
    if (cpu / 1000 < SETTLE_MILLISECONDS / 10) return;
  }
}

async function measure(name: string, store: string): Promise<void> {
  console.log(`\n${name}, ${values.hosts} hosts`);
  const machines = await Promise.all(
    Array.from({ length: MACHINES }, (_, index) => SimulatedHost.boot({ name: `machine-${index}` })),
  );
  const hosts = await enrolled(store, machines, Number(values.hosts));
  const verifier = new Verifier(store);
  await verifier.started();
  const agents = new Agents(verifier.url, machines, AT_ONCE);
  const fleet = { verifier, agents, hosts };
  try {
    // What the first requests compile and cache is not the hosts'.
    const few = hosts.slice(0, AT_ONCE);
    for (let warm = 0; warm < 5; warm++) await agents.rounds(few);
    const empty = await verifier.usage();
    await rounds('first round, 1 entry', fleet);
    await rounds('idle', fleet);
    await rounds('idle, again', fleet, LIMITS.idle);
    const full = await verifier.usage();
    const each = (full.memory - empty.memory) / (hosts.length - few.length);
    line('memory of the verifier a host', `${(each / 1024).toFixed(1)} KB`, each / LIMITS.memory);
    await grow(machines, 10, 'ten');
    await rounds('10 new entries', fleet);
    await grow(machines, 1000, 'thousand');
    await rounds('1,000 new entries', { ...fleet, hosts: hosts.slice(0, 100) });
    const times = await findingTimes(verifier.url, agents, machines, hosts);
    line('execution to finding, p99 beside idle rounds', `${times.toFixed(0)} ms`, times / LIMITS.finding);
    await largeList({ verifier, store }, Number(values.large));
  } finally {
    agents.close();
    await verifier.stop();
  }
  for (const [what, milliseconds] of await digestTimes(store, Number(values.pairs))) {
    line(what, `${milliseconds.toFixed(1)} ms`, milliseconds / LIMITS.digest);
  }
}

await onStores(values.stores, async (name, address) => {
  await measure(name === 'SQLite' ? name : `${name} (its own CPU time is not counted)`, address);
  if (name !== 'SQLite') return;
  const { size } = statSync(address.slice('sqlite:'.length));
  line('size of the store', `${(size / 1024 / 1024).toFixed(0)} MB`);
});
