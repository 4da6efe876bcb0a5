import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { toHex } from '@assay/core/bytes';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { startSwtpm } from '@assay/testkit/swtpm';
import { z } from 'zod';
import { assay, documentIn, launch, scratch } from './assay.ts';
import { launchEngine, runs, until } from './engine-support.ts';

const LIMIT = { skip: cannotMount() ?? false, timeout: 240_000 };
const PROGRAMS = 40;
const POLICY = 'measure func=BPRM_CHECK mask=MAY_EXEC';

const Verified = z.object({
  entries: z.int(),
  notProvedBefore: z.int().optional(),
  problems: z.array(z.unknown()),
  pcrs: z.array(z.object({ bank: z.string(), pcr: z.int(), matched: z.boolean().optional() })),
});

test('engine: a long list goes into its archive, and every command reads both as one', LIMIT, async (t) => {
  const swtpm = await startSwtpm();
  t.after(() => swtpm.stop());
  using mount = mountExt4();
  const [directory, archive] = [join(scratch(t), 'engine'), join(scratch(t), 'archive')];
  const tpm = `swtpm:unix:${swtpm.socketPath}`;
  const policy = join(scratch(t), 'policy');
  appendFileSync(policy, `${POLICY}\n`);
  const words = ['--policy', policy, '--archive', archive, '--list-size', '64K'];
  const file = (name: string): string => join(directory, name);
  const sha256 = file('binary_runtime_measurements_sha256');
  let entries = 0;
  {
    await using engine = await launchEngine({ mount: mount.path, directory, tpm, words });
    const follow = launch(['log', 'show', sha256, '--follow', '-o', 'csv']);
    t.after(() => follow.child.kill('SIGKILL'));
    for (let number = 1; number <= PROGRAMS; number++) {
      const program = join(mount.path, `program-${number}`);
      copyFileSync('/bin/true', program);
      appendFileSync(program, String(number));
      assert.ok(runs(program));
    }
    const status = await engine.ask('status');
    ({ entries } = status);
    assert.ok((status.archive?.segments ?? 0) >= 2);
    assert.ok((status.archive?.entries ?? entries) < entries);
    assert.deepEqual([status.archive?.directory, status.archive?.size], [archive, 64 * 1024]);
    const text = (await assay(['engine', 'status', '--directory', directory])).stdout;
    assert.match(text, /archive +\d+ of the entries in \d+ segments, in \S+; the list may take 64 KiB before/);
    await until('what is followed crosses rotations', () => follow.output.stdout.includes(`program-${PROGRAMS}`));
    const seen = follow.output.stdout.match(/program-\d+/g) ?? [];
    assert.deepEqual(
      seen,
      Array.from({ length: PROGRAMS }, (_, index) => `program-${index + 1}`),
    );
    assert.ok(!follow.output.stderr.includes('started again'), follow.output.stderr);
  }
  const device = new Tpm(await connectSwtpm(swtpm.socketPath));
  const [pcr] = (await device.readPcrs('sha256', [10])).values();
  await device.close();
  const verify = ['log', 'verify', '--pcr', `sha256:10=${toHex(pcr ?? new Uint8Array())}`, '-o', 'json'];
  for (const name of [
    'binary_runtime_measurements_sha256',
    'binary_runtime_measurements',
    'ascii_runtime_measurements_sha256',
  ]) {
    const ended = await assay([...verify, file(name)]);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const { pcrs, problems, ...told } = Verified.parse(documentIn(ended));
    assert.deepEqual([told.notProvedBefore, problems], [undefined, []]);
    assert.equal(told.entries, entries + 1, 'and the record of the stop');
    assert.equal(pcrs.find(({ bank }) => bank === 'sha256')?.matched, true, name);
  }
  assert.equal(documentIn(await assay(['log', 'stats', sha256, '-o', 'json']))['entries'], entries + 1);
  const shown = await assay(['log', 'show', sha256, '--entry', '1']);
  assert.match(shown.stdout, /boot_aggregate/);
  const first = await assay(['log', 'show', sha256, '-o', 'csv']);
  assert.equal((first.stdout.match(/program-\d+/g) ?? []).length, PROGRAMS);
  await spoiled({ verify, sha256, archive, entries });
});

interface Kept {
  readonly verify: readonly string[];
  readonly sha256: string;
  readonly archive: string;
  readonly entries: number;
}

/** What is told of a segment that was changed, and of one that is gone. */
async function spoiled({ verify, sha256, archive, entries }: Kept): Promise<void> {
  appendFileSync(join(archive, 'segment-000002'), 'x');
  const changed = await assay([...verify, sha256]);
  assert.equal(changed.code, 1);
  assert.match(changed.stdout + changed.stderr, /IMA-ARCHIVE/);
  rmSync(join(archive, 'segment-000002'));
  const part = await assay([...verify, sha256]);
  assert.equal(part.code, 1);
  const { notProvedBefore = 0, pcrs } = Verified.parse(documentIn(part));
  assert.ok(notProvedBefore > 1 && notProvedBefore < entries);
  assert.equal(pcrs.find(({ bank }) => bank === 'sha256')?.matched, true, 'what is there leads on to the PCR');
  const text = await assay(['log', 'verify', sha256]);
  assert.match(text.stdout, new RegExp(`not proved before entry ${notProvedBefore}: the archive`));
  const rest = await assay(['log', 'show', sha256]);
  assert.match(rest.stderr, new RegExp(`the list begins at entry ${notProvedBefore}`));
  assert.match(rest.stdout, new RegExp(`^ *${notProvedBefore} .*assay-engine-rotation`, 'm'));
}

test('engine: a size that is none, too small or too large is refused', LIMIT, async (t) => {
  for (const size of ['1K', '16m', '65G']) {
    const ended = await assay(['engine', 'run', '--watch', '/nowhere', '--archive', scratch(t), '--list-size', size]);
    assert.equal(ended.code, 2, size);
    assert.match(ended.stderr, /takes (?:a size such as|64K to 64G)/);
  }
});
