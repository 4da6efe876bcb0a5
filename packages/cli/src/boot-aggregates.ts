import { toHex } from '@assay/core/bytes';
import { bootAggregateCandidates } from '@assay/core/eventlog';
import type { HashName } from '@assay/core/hash';
import { digestText, type BootAggregate, type ListReport } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { readEventLogFile } from './eventlog-file.ts';
import type { GivenPcr } from './pcr-values.ts';

/** What boot_aggregate may be, by bank, from one source. */
export interface BootSource {
  readonly name: 'PCR values' | 'boot event log';
  /** In hexadecimal: kernels before 5.8 cover PCR 0 to 7 in every bank. */
  readonly digests: ReadonlyMap<HashName, ReadonlySet<string>>;
  /** Whether to say so when it has nothing to compare with. */
  readonly must: boolean;
}

/** A boot_aggregate of the list, and whether it is what the boot PCRs say; neither where nothing says what it must be. */
export interface CheckedAggregate {
  readonly entry: number;
  readonly offset: number;
  readonly digest: string;
  readonly matched?: boolean;
  /** Why not. */
  readonly message?: string;
}

/** The PCR values that are given, of banks of which all are there that boot_aggregate covers, and the boot event log. */
export async function bootSources(pcrs: readonly GivenPcr[], eventLog: string | undefined): Promise<BootSource[]> {
  const fromPcrs: BootSource = { name: 'PCR values', digests: fromValues(pcrs), must: false };
  if (eventLog === undefined) return [fromPcrs];
  const { log } = await readEventLogFile(eventLog, undefined);
  const candidates = bootAggregateCandidates(nodeHasher, log);
  const banks = [...new Set(candidates.map(({ bank }) => bank))];
  const digests = banks.map((name) => {
    return [name, new Set(candidates.filter(({ bank }) => bank === name).map(({ digest }) => digest))] as const;
  });
  return [fromPcrs, { name: 'boot event log', digests: new Map(digests), must: true }];
}

function fromValues(pcrs: readonly GivenPcr[]): Map<HashName, Set<string>> {
  const found = new Map<HashName, Set<string>>();
  for (const bank of new Set(pcrs.map((one) => one.bank))) {
    const values = Array.from(
      { length: 10 },
      (_, pcr) => pcrs.find((one) => one.bank === bank && one.pcr === pcr)?.value,
    );
    for (const count of bank === 'sha1' ? [8] : [10, 8]) {
      const covered = values.slice(0, count).filter((value) => value !== undefined);
      if (values.slice(0, bank === 'sha1' ? 8 : 10).includes(undefined)) continue;
      const digest = toHex(nodeHasher.digest(bank, ...covered));
      found.set(bank, (found.get(bank) ?? new Set()).add(digest));
    }
  }
  return found;
}

export function checkAggregates({ bootAggregates }: ListReport, sources: readonly BootSource[]): CheckedAggregate[] {
  const must = sources.find((source) => source.must);
  if (bootAggregates.length === 0 && must !== undefined) {
    const message = `the list has no boot_aggregate that the ${must.name} could lead to`;
    return [{ entry: 1, offset: 0, digest: '', matched: false, message }];
  }
  return bootAggregates.map((aggregate) => checkAggregate(aggregate, sources));
}

function checkAggregate({ entry, offset, digest }: BootAggregate, sources: readonly BootSource[]): CheckedAggregate {
  const shown = { entry, offset, digest: digestText(digest) };
  let matched: boolean | undefined;
  for (const { name, digests, must } of sources) {
    const candidates = digests.get(digest.algorithm);
    if (candidates === undefined && !must) continue;
    const covers = candidates !== undefined && digest.type !== 'verity';
    if (!covers) return { ...shown, matched: false, message: `the ${name} says nothing of bank ${digest.algorithm}` };
    if (!candidates.has(toHex(digest.value))) {
      return { ...shown, matched: false, message: `boot_aggregate is not what the ${name} lead${must ? 's' : ''} to` };
    }
    matched = true;
  }
  return matched === undefined ? shown : { ...shown, matched };
}
