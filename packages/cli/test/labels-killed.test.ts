import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'node:test';
import { getXattr } from '@assay/linux/xattr';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { assay, documentIn, launch, type Ended } from './assay.ts';

const skip = cannotMount() ?? false;
/** More with ASSAY_KILLS, and others with ASSAY_SEED. */
const KILLS = Number(process.env['ASSAY_KILLS'] ?? 4);
const SEED = Number(process.env['ASSAY_SEED'] ?? 20_261_122);
const FILES = 400;

/** Numbers from 0 to 1 that follow from the seed (Park and Miller, 1988). */
function* fractions(seed: number): Generator<number, never> {
  for (let state = seed % 2_147_483_647 || 1; ; ) {
    state = (state * 48_271) % 2_147_483_647;
    yield state / 2_147_483_647;
  }
}

interface Row {
  readonly path: string;
  readonly state: string;
  readonly code?: string;
}

function rowsOf(ended: Ended): readonly Row[] {
  return (documentIn(ended) as unknown as { files: readonly Row[] }).files;
}

test(`a run that is killed ${KILLS} times labels all files in the end, and none wrong (seed ${SEED})`, {
  skip,
}, async () => {
  using mount = mountExt4();
  const cwd = mount.path;
  const random = fractions(SEED);
  const next = (below: number): number => Math.floor(random.next().value * below);
  mkdirSync(join(cwd, 'tree'));
  const paths = Array.from({ length: FILES }, (_, index) => join('tree', String(index).padStart(4, '0')));
  for (const path of paths) writeFileSync(join(cwd, path), Buffer.alloc(next(20) === 0 ? 200_000 : next(3000), path));
  const generate = ['key', 'generate', '--type', 'rsa2048', '--out', 'key.pem', '--cert', 'key.der'];
  assert.equal((await assay(generate, { cwd })).code, 0);
  const sign = ['file', 'sign', '--key', 'key.pem', 'tree', '-o', 'json'];
  const verify = ['file', 'verify', '--cert', 'key.der', 'tree', '-o', 'json'];
  let labelled = 0;
  for (let kill = 0; kill < KILLS && labelled < FILES; kill++) {
    // As soon as one of the files that are left has its label.
    const target = Buffer.from(join(cwd, paths[labelled + next(FILES - labelled)] ?? assert.fail()));
    const { child, ended } = launch(sign, { cwd });
    while (getXattr(target, 'security.ima') === undefined && child.exitCode === null) await delay(1);
    child.kill('SIGKILL');
    await ended;
    const rows = rowsOf(await assay(verify, { cwd }));
    const wrong = rows.filter(({ state, code }) => state !== 'right' && code !== 'LABEL-MISSING');
    assert.deepEqual(wrong, []);
    labelled = rows.filter(({ state }) => state === 'right').length;
  }
  const resumed = await assay(sign, { cwd });
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.equal(rowsOf(resumed).filter(({ state }) => state === 'unchanged').length, labelled);
  const verified = await assay(verify, { cwd });
  assert.deepEqual([verified.code, rowsOf(verified).filter(({ state }) => state === 'right').length], [0, FILES]);
});
