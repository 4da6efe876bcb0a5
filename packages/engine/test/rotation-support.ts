import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { utf8 } from '@assay/core/bytes';
import { emptyPcr, parseBinaryList, replay, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import type { EngineTpm } from '@assay/engine';
import { engineList } from '@assay/linux/ima';
import type { ArchiveOptions } from '../src/archive.ts';
import { fileDraft, type EntryDraft } from '../src/drafts.ts';
import { MeasurementList } from '../src/list.ts';
import { Recorder } from '../src/recorder.ts';
import { nameOf } from './support.ts';

export const draft = (name: string): EntryDraft => fileDraft(utf8(name), nodeHasher.digest('sha256', utf8(name)));

/** The whole list as an agent reads it. */
export async function wholeList(directory: string): Promise<MeasurementEntry[]> {
  return parseBinaryList(await engineList(directory, 'sha256').read(0), { bank: 'sha256' }).entries;
}

/** The list as one replays to PCR 10 in every bank. */
export async function assertWholeReplays(directory: string, tpm: EngineTpm): Promise<MeasurementEntry[]> {
  const entries = await wholeList(directory);
  for (const bank of await tpm.activeBanks()) {
    const { value } = replay(nodeHasher, { bank, pcr: 10, value: emptyPcr(bank), checked: 'sha256' }, entries);
    assert.deepEqual(Buffer.from((await tpm.readPcrs(bank, [10])).get(10) ?? []), Buffer.from(value), bank);
  }
  return entries;
}

/** Names of the files among the entries. */
export function filesIn(entries: readonly MeasurementEntry[]): string[] {
  return entries.map(nameOf).filter((name) => name.startsWith('/'));
}

/** Brings programs into a list as an engine does, and ends. */
export async function measure(
  directory: string,
  tpm: EngineTpm,
  programs: readonly string[],
  archive: ArchiveOptions | undefined,
): Promise<MeasurementList> {
  const { list } = await MeasurementList.open(directory, tpm, [], archive);
  const log: string[] = [];
  const recorder = new Recorder(
    list,
    (line) => log.push(line),
    (error) => log.push(String(error)),
  );
  for (const program of programs) {
    recorder.add({ draft: draft(program) });
    await recorder.idle();
  }
  list.close();
  assert.deepEqual(log, []);
  return list;
}

export function programs(count: number, what = 'program'): string[] {
  return Array.from({ length: count }, (_, index) => `/usr/bin/${what}-${index + 1}`);
}

/** Bytes of the files of a list. */
export function sizeOf(directory: string): number {
  const names = readdirSync(directory).filter((name) => /^(?:ascii|binary)_.*_sha/.test(name));
  return names.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}

export function count(directory: string): number {
  return Number(readFileSync(join(directory, 'runtime_measurements_count'), 'latin1'));
}
