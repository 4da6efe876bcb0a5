// A policy simulated over the lists of a large fleet, beside its rounds: [--hosts N] [--entries N] [--stores sqlite,postgres]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { checkedReference, emptyReference, pooled, type Pool } from '@assay/core/reference';
import { SimulatedHost } from '@assay/testkit/evidence';
import { PolicySimulation, route, ROUTES } from '@assay/wire';
import { Agents } from './fleet/agents.ts';
import { Verifier } from './fleet/child.ts';
import { enrolled, type FleetHost } from './fleet/hosts.ts';
import { line } from './fleet/line.ts';
import { fillLists, measuredFiles } from './fleet/lists.ts';
import { onStores } from './fleet/stores.ts';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '2000' },
    entries: { type: 'string', default: '2500' },
    stores: { type: 'string', default: 'sqlite,postgres' },
  },
});

/** Seconds for a million entries, milliseconds, bytes. */
const LIMITS = { million: 2, round: 250, memory: 512 * 1024 * 1024 } as const;

/** Hosts that attest meanwhile, one after the other, and their rounds beside nothing. */
const LIVE = 20;
const QUIET_ROUNDS = 200;
/** Of a hundred files, those that the candidate does not have. */
const LEFT_OUT = 1;

function candidate(entries: number): string {
  const known = measuredFiles(entries).filter((_file, index) => index % 100 >= LEFT_OUT);
  const pool: Pool = { id: 'all', kind: 'manual', name: 'all', digests: pooled(known) };
  const reference = checkedReference({ ...emptyReference('bench', 1, new Date().toISOString()), pools: [pool] });
  return new TextDecoder().decode(reference.canonical);
}

async function simulate(url: string, document: string): Promise<PolicySimulation> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${'o'.repeat(43)}` };
  const body = JSON.stringify({ document });
  const answer = await fetch(`${url}${route(ROUTES.policySimulation, 'bench')}`, { method: 'POST', headers, body });
  if (!answer.ok) throw new Error(await answer.text());
  return PolicySimulation.parse(await answer.json());
}

/** Rounds one after the other, until something is over. @returns the 99th of 100 of their milliseconds */
async function roundsUntil(agents: Agents, hosts: readonly FleetHost[], isOver: () => boolean): Promise<number> {
  const before = agents.times.length;
  for (let next = 0; !isOver(); next++) {
    const host = hosts[next % hosts.length];
    if (host !== undefined) await agents.round(host);
  }
  const times = agents.times.slice(before).toSorted((a, b) => a - b);
  return times[Math.ceil(times.length * 0.99) - 1] ?? 0;
}

/** The most memory that a process ever had, in bytes (proc_pid_status(5)). */
function mostMemory(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? Number.NaN) * 1024;
}

async function measure(name: string, store: string): Promise<void> {
  const [hosts, entries] = [Number(values.hosts), Number(values.entries)];
  console.log(`\n${name}, ${hosts} hosts with ${entries} entries each`);
  const machines = await Promise.all([0, 1].map((index) => SimulatedHost.boot({ name: `machine-${index}` })));
  await fillLists(store, await enrolled(store, machines, hosts), entries);
  const live = await enrolled(store, machines, LIVE, 'live');
  const verifier = new Verifier(store);
  await verifier.started();
  const agents = new Agents(verifier.url, machines, 1);
  try {
    await agents.rounds(live);
    let quiet = 0;
    const usual = await roundsUntil(agents, live, () => quiet++ >= QUIET_ROUNDS);
    line('round beside nothing, p99', `${usual.toFixed(1)} ms`);
    const document = candidate(entries);
    const [before, memory] = [await verifier.usage(), mostMemory(verifier.pid)];
    let over = false;
    const simulating = simulate(verifier.url, document).finally(() => {
      over = true;
    });
    const beside = await roundsUntil(agents, live, () => over);
    const result = await simulating;
    const grown = mostMemory(verifier.pid) - memory;
    const seconds = ((await verifier.usage()).cpuBefore - before.cpu) / 1_000_000;
    if (result.hosts.length < hosts) throw new Error(`only ${result.hosts.length} hosts were looked at`);
    const million = (seconds * 1_000_000) / (hosts * entries);
    line("simulation: the verifier's CPU time, rounds too", `${seconds.toFixed(1)} s`, million / LIMITS.million);
    line('round beside it, p99', `${beside.toFixed(1)} ms`, beside / LIMITS.round);
    line('memory that it took at most', `${(grown / 1024 / 1024).toFixed(0)} MB`, grown / LIMITS.memory);
  } finally {
    agents.close();
    await verifier.stop();
  }
}

await onStores(values.stores, measure);
