import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HashName } from '@assay/core/hash';
import { emptyPcr, parseBinaryList, replay, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import type { EngineTpm } from '@assay/engine';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { startSwtpm } from '@assay/testkit/swtpm';
import { SimulatedTpm } from '@assay/testkit/tpm';

export const TPM_KINDS = ['swtpm', 'simulated'] as const;
export type TpmKind = (typeof TPM_KINDS)[number];

/** A TPM that was just started. Use it with `await using`. */
export interface TestTpm extends AsyncDisposable {
  readonly tpm: Tpm;
  /** Where swtpm listens. */
  readonly socketPath: string | undefined;
}

export async function startTpm(kind: TpmKind): Promise<TestTpm> {
  const swtpm = kind === 'swtpm' ? await startSwtpm() : undefined;
  const tpm = new Tpm(swtpm === undefined ? new SimulatedTpm() : await connectSwtpm(swtpm.socketPath));
  await tpm.startup();
  const end = async (): Promise<void> => {
    await tpm.close();
    await swtpm?.stop();
  };
  return { tpm, socketPath: swtpm?.socketPath, [Symbol.asyncDispose]: end };
}

/** A TPM whose extends can be made to fail, before or after they happened. */
export class FaultyTpm implements EngineTpm {
  /** What the next extends meet, one after another; when there is no more, they succeed. */
  readonly faults: ('fails' | 'fails-afterwards' | 'hangs')[] = [];
  extends = 0;
  readonly #tpm: EngineTpm;

  constructor(tpm: EngineTpm) {
    this.#tpm = tpm;
  }

  activeBanks(): Promise<HashName[]> {
    return this.#tpm.activeBanks();
  }

  readPcrs(bank: HashName, pcrs: readonly number[]): Promise<Map<number, Uint8Array>> {
    return this.#tpm.readPcrs(bank, pcrs);
  }

  async extendPcr(pcr: number, digests: ReadonlyMap<HashName, Uint8Array>): Promise<void> {
    const fault = this.faults.shift();
    if (fault === 'fails') throw new Error('the extend failed');
    if (fault === 'hangs') return new Promise<void>(() => undefined);
    await this.#tpm.extendPcr(pcr, digests);
    this.extends++;
    if (fault === 'fails-afterwards') throw new Error('the answer was lost');
  }
}

export interface ScratchDirectory extends Disposable {
  readonly path: string;
}

export function scratchDirectory(): ScratchDirectory {
  const path = mkdtempSync(join(tmpdir(), 'assay-engine-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function readList(directory: string, bank: HashName = 'sha256'): MeasurementEntry[] {
  const bytes = new Uint8Array(readFileSync(join(directory, `binary_runtime_measurements_${bank}`)));
  return parseBinaryList(bytes, { bank }).entries;
}

export function nameOf(entry: MeasurementEntry): string {
  return Buffer.from(entry.fields.name ?? []).toString('latin1');
}

export function names(directory: string): string[] {
  return readList(directory).map(nameOf);
}

/** The pairs of a record of the engine, in their order. */
export function pairsOf(entry: MeasurementEntry | undefined): [string, string][] {
  const text = Buffer.from(entry?.fields.buffer ?? []).toString('latin1');
  assert.match(text, /^(?:[a-z]+=[^;]*;)+$/);
  return text
    .slice(0, -1)
    .split(';')
    .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
}

/** Every bank's list replays to PCR 10 of that bank. */
export async function assertReplays(directory: string, tpm: EngineTpm): Promise<void> {
  const banks = await tpm.activeBanks();
  assert.ok(banks.length > 0);
  for (const bank of banks) {
    const { value } = replay(nodeHasher, { bank, pcr: 10, value: emptyPcr(bank) }, readList(directory, bank));
    assert.deepEqual(Buffer.from((await tpm.readPcrs(bank, [10])).get(10) ?? []), Buffer.from(value), bank);
  }
}

/** @throws after 10 s */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await delay(5)) if (holds()) return;
  throw new Error(`not within 60 s: ${what}`);
}
