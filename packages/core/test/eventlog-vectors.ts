import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromHex } from '@assay/core/bytes';
import { parseEventLog, type ParsedEventLog, type PcrExpectation } from '@assay/core/eventlog';
import { hashNamed } from '@assay/core/hash';

const BESIDE = fileURLToPath(new URL('../../../../shared/vectors', import.meta.url));
const VECTORS = process.env['ASSAY_VECTORS'] ?? BESIDE;

/** The logs of other projects, which are not part of this one. */
export const OTHERS = join(VECTORS, 'eventlog');

/** Why their tests are skipped; false where they are there. */
export const othersMissing = existsSync(join(OTHERS, 'expected-pcrs.json'))
  ? false
  : `no event logs of other projects in ${OTHERS}: set ASSAY_VECTORS to the directory that has eventlog/`;

export function ours(): { bytes: Buffer; pcrs: readonly PcrExpectation[] } {
  const file = (name: string) => readFileSync(new URL(`vectors/eventlog/${name}`, import.meta.url));
  const lines = file('pcrs.txt').toString('latin1').trim().split('\n');
  return { bytes: file('eventlog.bin'), pcrs: lines.map((line) => expectationOf(/^(\w+):(\d+) (\w+)$/.exec(line))) };
}

/** @param found bank, index and value in hexadecimal */
export function expectationOf(found: RegExpExecArray | null): PcrExpectation {
  const [, bank = '', pcr = '', hex = ''] = found ?? [];
  return { bank: hashNamed(bank).name, pcr: Number(pcr), value: fromHex(hex) };
}

/** Names of the others' logs, as the files beside them name them. */
export function othersLogs(): string[] {
  if (othersMissing !== false) return [];
  const isLog = (path: string) => /^go-eventlog\/.*\.bin$|^tpm2-tools\/(?:event|specid)[^/]*\.bin$/.test(path);
  return ['go-eventlog', 'tpm2-tools']
    .flatMap((folder) => readdirSync(join(OTHERS, folder)).map((name) => `${folder}/${name}`))
    .filter(isLog);
}

export function othersBytes(name: string): Buffer {
  return readFileSync(join(OTHERS, name));
}

export function othersLog(name: string): ParsedEventLog {
  return parseEventLog(othersBytes(name));
}
