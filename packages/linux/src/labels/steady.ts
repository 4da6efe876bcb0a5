import { fstatSync, type Stats } from 'node:fs';
import type { ComputedDigest } from '@assay/core/label';
import { setTimeout as delay } from 'node:timers/promises';
import { setXattr } from '../xattr/index.ts';
import type { LabelResult } from './job.ts';

export type LabelName = 'security.ima' | 'security.evm';

/** What an attempt found out, and what is to be written for it. */
export interface Plan {
  readonly result: LabelResult;
  readonly write?: { readonly name: LabelName; readonly value: Uint8Array };
}

/** A file that is written all the time is given up after this many attempts. */
const ATTEMPTS = 4;
/** Kernels before 6.13 stamp changes with a clock that ticks every 10 ms at the slowest. */
const TICK_MILLISECONDS = 20;

/**
 * Works on an open file while nobody changes it: size, times, owner and mode are compared before and after by the same
 * descriptor, and where one differs, all is done again.
 */
export async function steadily(fd: number, attempt: (stats: Stats) => Plan | Promise<Plan>): Promise<LabelResult> {
  for (let count = 0; count < ATTEMPTS; count++) {
    const before = await oldEnough(fd);
    const { result, write } = await attempt(before);
    if (!isSame(before, fstatSync(fd))) continue;
    if (write === undefined) return result;
    setXattr(fd, write.name, write.value);
    // Writing the label changes ctime, and nothing else.
    if (isSame(before, fstatSync(fd), before.ctimeMs)) return result;
  }
  const message = `the file changed during each of ${ATTEMPTS} attempts; its label may not fit it`;
  return { state: 'failed', code: 'FILE-CHANGING', message };
}

/** Two changes within a tick leave the same time, so a change that old could hide another one. */
async function oldEnough(fd: number): Promise<Stats> {
  const stats = fstatSync(fd);
  const age = Date.now() - stats.ctimeMs;
  if (age < 0 || age >= TICK_MILLISECONDS) return stats;
  await delay(TICK_MILLISECONDS - age);
  return fstatSync(fd);
}

type Compared = Pick<Stats, 'size' | 'mtimeMs' | 'ctimeMs' | 'mode' | 'uid' | 'gid'>;

/** Times as numbers of milliseconds differ from 0.3 microseconds on, which is less than a call takes. */
function isSame(a: Compared, b: Compared, ctimeMs = b.ctimeMs): boolean {
  return (
    a.size === b.size &&
    a.mtimeMs === b.mtimeMs &&
    a.ctimeMs === ctimeMs &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid
  );
}

/** Writes a label unless the file has this very one. */
export function writing(
  { name, value, old, dryRun }: { name: LabelName; value: Uint8Array; old: Uint8Array | undefined; dryRun: boolean },
  digest?: ComputedDigest,
): Plan {
  const result = { label: value, ...(digest === undefined ? {} : { digest }) };
  if (old !== undefined && Buffer.compare(old, value) === 0) return { result: { ...result, state: 'unchanged' } };
  if (dryRun) return { result: { ...result, state: 'would-change' } };
  return { result: { ...result, state: 'changed' }, write: { name, value } };
}
