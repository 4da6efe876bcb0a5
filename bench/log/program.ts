// One replay in a process of its own, which bench/log.ts measures: MODE LIST TEN-MORE
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { toHex } from '@assay/core/bytes';
import { plainInPlaceHasher, type InPlaceHasher } from '@assay/core/hash';
import { ListVerifier } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { inPlaceHasher } from '@assay/linux/digests';
import { verifyList } from '@assay/linux/lists';

/** What this program prints. */
export interface Outcome {
  readonly entries: number;
  readonly forged: number;
  /** PCR 10 by bank, in hex. */
  readonly pcrs: Readonly<Record<string, string>>;
  /** The replay without the start of Node; the start of a worker is in it. */
  readonly milliseconds: number;
  /** How long it takes another verifier to take over and add the entries that came later. */
  readonly moreMilliseconds: number;
}

const [mode, list = '', more = ''] = process.argv.slice(2);

async function replay(options: { readonly cores?: number; readonly hasher?: InPlaceHasher }): Promise<Outcome> {
  const later = readFileSync(more);
  const started = performance.now();
  const file = await open(list);
  const source = {
    size: (await file.stat()).size,
    read: async (target: Uint8Array, start: number) =>
      (await file.read(target, start, target.length - start, null)).bytesRead,
  };
  const form = { format: 'binary', bank: 'sha1' } as const;
  const verifier = await verifyList(source, { form, banks: ['sha1', 'sha256'], ...options });
  const replayed = performance.now();
  await file.close();
  const { entries, forged, pcrs } = verifier.report;
  const values = Object.fromEntries<string>(pcrs.map(({ bank, value }) => [bank, toHex(value)]));
  const moreMilliseconds = addEntries(verifier, later, options.hasher ?? inPlaceHasher);
  return { entries, forged, pcrs: values, milliseconds: replayed - started, moreMilliseconds };
}

function addEntries(verifier: ListVerifier, entries: Uint8Array, hasher: InPlaceHasher): number {
  const { state } = verifier;
  const started = performance.now();
  const next = ListVerifier.resume(state, hasher);
  next.push(entries);
  next.end();
  return performance.now() - started;
}

const MODES: Record<string, () => Promise<Outcome>> = {
  one: () => replay({ cores: 1 }),
  all: () => replay({}),
  node: () => replay({ cores: 1, hasher: plainInPlaceHasher(nodeHasher) }),
};

const run = MODES[mode ?? ''];
if (run === undefined) throw new Error(`no mode ${mode}`);
console.log(JSON.stringify(await run()));
