import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { release } from 'node:os';
import { test } from 'node:test';
import { toHex } from '@assay/core/bytes';
import { cannotMount, mountOver, mountTmpfs, type ScratchMount } from '@assay/testkit/mounts';
import { Overlays } from '../src/gate/overlays.ts';
import { Attacker, digestOf, openGate, watchdog } from './gate-support.ts';

const skip = cannotMount() ?? false;
if (skip === false) watchdog(110);
const NEW = '6.18.1';
const CLASH = { name: 'SystemError', code: 'ENGINE-MOUNT', message: /overlay .* cannot be watched beside/ };

function overlayOver(lower: ScratchMount, upper: ScratchMount): ScratchMount {
  const [low, up, work] = [join(lower.path, 'lower'), join(upper.path, 'upper'), join(upper.path, 'work')];
  for (const path of [low, up, work]) mkdirSync(path);
  copyFileSync('/bin/true', join(low, 'program'));
  return mountOver('-t', 'overlay', 'assay', '-o', `lowerdir=${low},upperdir=${up},workdir=${work}`);
}

test('an overlay is not watched beside a file system on which one of its layers lies, in whatever order', {
  skip,
}, () => {
  using lower = mountTmpfs();
  using upper = mountTmpfs();
  using overlay = overlayOver(lower, upper);
  for (const layer of [lower, upper]) {
    const first = new Overlays(true, NEW);
    first.add(layer.path);
    first.add(layer.path);
    assert.throws(() => first.add(overlay.path), CLASH);
    const second = new Overlays(true, NEW);
    second.add(overlay.path);
    assert.throws(() => second.add(layer.path), CLASH);
  }
});

test('an overlay is watched beside a file system that has nothing to do with it', { skip }, () => {
  using lower = mountTmpfs();
  using upper = mountTmpfs();
  using overlay = overlayOver(lower, upper);
  using other = mountTmpfs();
  const overlays = new Overlays(true, NEW);
  overlays.add(other.path);
  overlays.add(overlay.path);
  overlays.add(overlay.path);
});

test('where nobody asks himself, both are watched', { skip }, () => {
  using lower = mountTmpfs();
  using upper = mountTmpfs();
  using overlay = overlayOver(lower, upper);
  for (const overlays of [new Overlays(false, NEW), new Overlays(true, '6.12.117+deb13-amd64')]) {
    overlays.add(lower.path);
    overlays.add(overlay.path);
  }
});

const [major = 0, minor = 0] = release().split('.').map(Number);
const isCovered = major > 6 || (major === 6 && minor >= 13);

test('what is executed through an overlay is measured in its layers, which alone are watched', {
  skip: skip === false && !isCovered ? 'this kernel does not ask when it opens a layer' : skip,
  timeout: 100_000,
}, async () => {
  using layers = mountTmpfs();
  using overlay = overlayOver(layers, layers);
  using runner = new Attacker();
  const OPENINGS = { policy: 'measure func=BPRM_CHECK\nmeasure func=FILE_CHECK mask=MAY_READ\n' };
  await assert.rejects(openGate([layers.path, overlay.path], OPENINGS), CLASH);
  await using gate = await openGate([layers.path], OPENINGS, { answerLimit: 90_000 });
  const program = join(overlay.path, 'program');
  assert.equal(await runner.run(program), 0);
  const digests = gate.entries.map(({ fields }) => toHex(fields.digest?.value ?? new Uint8Array()));
  assert.ok(digests.includes(digestOf('/bin/true')), digests.join());
  assert.deepEqual(gate.lost, []);
});
