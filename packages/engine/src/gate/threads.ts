import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStatus } from '@assay/linux/files';
import { clock } from './clock.ts';
import type { Judge } from './judge.ts';

/** Before those of all who wait for it. Needs CAP_SYS_NICE; without, it answers when it gets its turn. */
const PRIORITY = -15;
const WARM_UP_ROUNDS = 100;
/** What an event leaves behind is garbage at once; V8 would let tens of megabytes of it pile up in each thread. */
export const RESOURCES = { maxYoungGenerationSizeMb: 6 };

export function hurry(): void {
  try {
    setPriority(0, PRIORITY);
  } catch {
    // EACCES: it goes on as it is.
  }
}

/**
 * Lets everything happen once that happens for an event: what is loaded or compiled later, while a program waits, could
 * wait for that program.
 */
export function warmUp(judge: Judge): void {
  const directory = mkdtempSync(join(tmpdir(), 'assay-warm-up-'));
  const path = join(directory, 'file');
  writeFileSync(path, 'warm-up', { mode: 0o700 });
  const fd = openSync(path, 'r');
  try {
    const stamp = new FileStatus().read(fd).stamp();
    const end = clock() + 60_000;
    const known = { memory: undefined, openings: 1, isMapped: false, of: stamp, digests: undefined };
    const question = { fd, pid: process.pid, flags: 0, ...known, end, gaveWay: false };
    for (let round = 0; round < WARM_UP_ROUNDS; round++) judge.judge({ kind: 'exec', ...question });
    for (let round = 0; round < WARM_UP_ROUNDS; round++) judge.judge({ kind: 'open', ...question });
  } finally {
    closeSync(fd);
    rmSync(directory, { recursive: true, force: true });
  }
}
