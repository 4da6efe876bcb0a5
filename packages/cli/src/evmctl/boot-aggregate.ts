import { readFileSync, statSync } from 'node:fs';
import { toHex } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { parseEventLog, replayEventLog } from '@assay/core/eventlog';
import { hashAlgorithm } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import { BANKS, readPcrs, type Bank, type Pcrs } from './pcrs.ts';
import { Failure, type Run } from './run.ts';

const LARGEST_LOG = 16 * 1024 * 1024;
/** PCRs 8 and 9 count since Linux 5.8, but for SHA-1. */
const COUNTED: Readonly<Record<Bank, number>> = { sha1: 8, sha256: 10 };

/** `evmctl ima_boot_aggregate`: of the PCRs, or of a boot event log of a TPM 1.2. @throws Failure */
export async function bootAggregate(run: Run, log: string | undefined): Promise<void> {
  const pcrs = log === undefined ? await readPcrs(run) : pcrsOfLog(run, log);
  if (pcrs === undefined) throw new Failure('Failed to read any TPM PCRs');
  for (const bank of BANKS) {
    const values = pcrs.get(bank);
    if (values === undefined) continue;
    run.out(`${bank}:${toHex(nodeHasher.digest(bank, ...values.slice(0, COUNTED[bank])))}\n`);
  }
}

function pcrsOfLog(run: Run, path: string): Pcrs {
  const stats = run.attempt(() => statSync(path));
  if (stats?.isFile() === false) run.say('Bios event log: not a regular file or link to regular file');
  const content = stats?.isFile() === true ? logContent(run, path) : undefined;
  const values = content === undefined ? undefined : replayed(run, content);
  if (values !== undefined) return new Map([['sha1', values]]);
  throw new Failure(`Failed reading the TPM 1.2 event log (${path})`);
}

function logContent(run: Run, path: string): Uint8Array | undefined {
  run.detail(`Reading the TPM 1.2 event log (${path})`);
  const content = run.attempt(() => readFileSync(path));
  return content === undefined || content.length > LARGEST_LOG ? undefined : content;
}

function replayed(run: Run, bytes: Uint8Array): Uint8Array[] | undefined {
  try {
    const log = parseEventLog(bytes);
    if (log.format !== 'tpm1.2') {
      run.say('Event data event too long.');
      return undefined;
    }
    const values = replayEventLog(nodeHasher, log, 'sha1');
    const { size } = hashAlgorithm('sha1');
    return Array.from({ length: COUNTED.sha1 }, (_, index) => values.get(index) ?? new Uint8Array(size));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    run.say(error.message);
    return undefined;
  }
}
