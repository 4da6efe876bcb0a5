import { setImmediate as pause } from 'node:timers/promises';
import { concat } from '@assay/core/bytes';
import { parseBinaryList, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import type { ReferenceValues } from '@assay/core/reference';
import { Simulator } from '@assay/core/verdict';
import type { PolicySimulation } from '@assay/wire';
import type { Context } from '../context.ts';
import { entriesById } from '../store/entries.ts';
import { allHostIds } from '../store/hosts.ts';
import { hostsOfPolicy, policyInForce } from '../store/policies.ts';
import { entryIdsOf, recordedBoots, type RecordedBoot } from '../store/recorded.ts';
import type { Database } from '../store/schema.ts';

/** Entries that are read without letting rounds go on. */
const AT_ONCE = 2000;

/** Boots of one host that are looked at. */
const BOOTS_OF_HOST = 50;

export interface Candidate {
  readonly name: string;
  readonly values: ReferenceValues;
  readonly boots: 'present' | 'all';
  /** Given when nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a candidate would make of the lists of the hosts that its policy is for; of all hosts while it is for none. It reads
 * beside the rounds, which only ever add to lists, and lets them go on after each list. One at a time is simulated: what
 * several hold in memory, and take of the processor, would be the rounds'.
 * @throws the reason of the signal
 */
export function simulatePolicy(context: Simulating, candidate: Candidate): Promise<PolicySimulation> {
  return context.simulations.take(() => overRecordedLists(context, candidate), candidate.signal);
}

type Simulating = Pick<Context, 'database' | 'references' | 'simulations' | 'now'>;

async function overRecordedLists(
  context: Simulating,
  { name, values, boots: which, signal }: Candidate,
): Promise<PolicySimulation> {
  const { database: db, references } = context;
  const inForce = await policyInForce(db, name);
  const before = inForce === undefined ? null : await references.policy(db, name, inForce.version);
  const simulator = new Simulator({ before, after: values, at: context.now(), hasher: nodeHasher });
  const assigned = await hostsOfPolicy(db, name);
  const entries = new KnownEntries(db);
  const boots = new Map<string, RecordedBoot>();
  for (const host of assigned.length === 0 ? await allHostIds(db) : assigned) {
    for (const boot of await recordedBoots(db, host, which, BOOTS_OF_HOST)) {
      const list = { host: boot.name, entries: await entries.of(boot.id) };
      boots.set(String(boot.id), boot);
      simulator.add(boot.isPresent ? list : { ...list, boot: String(boot.id) });
      await pause();
      signal?.throwIfAborted();
    }
  }
  return onWire(simulator, boots);
}

function onWire(simulator: Simulator, boots: ReadonlyMap<string, RecordedBoot>): PolicySimulation {
  const { hosts, turns, earlier, causes, changes, unused, excludes, ...rest } = simulator.result();
  return {
    schema: 'assay.policy-simulation.v1',
    ...rest,
    hosts: hosts.toSorted((a, b) => (a.host < b.host ? -1 : 1)),
    turns: [...turns],
    earlier: earlier.flatMap(({ boot: key, ...simulated }) => {
      const boot = boots.get(key);
      if (boot === undefined) return [];
      const { id, since, until } = boot;
      return [{ ...simulated, boot: { id, since, until } }];
    }),
    causes: causes.map((cause) => ({ ...cause, paths: [...cause.paths], hosts: cause.hosts.toSorted() })),
    changes: changes.map((change) => ({ ...change, hosts: change.hosts.toSorted() })),
    unused: [...unused],
    excludes: [...excludes],
  };
}

/** Entries of several lists: one that is in many is read, and decided about, once. */
export class KnownEntries {
  readonly #db: Database;
  readonly #entries = new Map<number, MeasurementEntry>();

  constructor(db: Database) {
    this.#db = db;
  }

  async of(boot: number): Promise<MeasurementEntry[]> {
    const ids = await entryIdsOf(this.#db, boot);
    const missing = [...new Set(ids)].filter((id) => !this.#entries.has(id));
    for (let start = 0; start < missing.length; start += AT_ONCE) {
      await this.#read(missing.slice(start, start + AT_ONCE));
      await pause();
    }
    return ids.flatMap((id) => this.#entries.get(id) ?? []);
  }

  async #read(ids: readonly number[]): Promise<void> {
    const rows = [...(await entriesById(this.#db, ids)).values()];
    const { entries } = parseBinaryList(concat(rows.map(({ record }) => record)), { bank: 'sha256' });
    for (const [index, entry] of entries.entries()) this.#entries.set(rows[index]?.id ?? 0, entry);
  }
}
