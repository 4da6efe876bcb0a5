import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex, utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import type { CloseDecision, Decider, Task } from '../src/decision/contract.ts';
import { createDecider } from '../src/decision/decider.ts';
import type { DeciderSetup } from '../src/decision/setup.ts';
import {
  asked,
  CONTENT,
  deciderSetup,
  EXEC,
  LABEL,
  openedFile,
  READ,
  taskOfUser,
  withLabel,
  WRITE,
  type MemoryFile,
} from './decision-support.ts';

// Whose writing gives labels, and what is not made good by it.

const updater = nodeHasher.digest('sha256', utf8('dpkg'));
const installing = (chain: readonly (readonly [root: boolean, digest: Uint8Array])[]): Task => ({
  ...taskOfUser(0),
  lineage: () => chain.map(([isRootOfHost, digest], index) => ({ pid: index + 2, isRootOfHost, digest: () => digest })),
});
const sh = nodeHasher.digest('sha256', utf8('sh'));
const updatableSetup = (policy: string): DeciderSetup => {
  const updaters = [{ path: '/usr/bin/dpkg', digest: toHex(updater) }];
  return { ...deciderSetup({ policy }), updaters, relabel: 'updaters' };
};
const updatable = (policy: string): Decider => createDecider(updatableSetup(policy));
/** A file when it was made, and when it was written. */
const NEW: MemoryFile = { content: new Uint8Array(), changeTime: 1n };
const WRITTEN: MemoryFile = { content: CONTENT, changeTime: 5n };
const lineages: [string, Task, boolean][] = [
  ['the updater itself', installing([[true, updater]]), true],
  [
    'a script that it runs',
    installing([
      [true, sh],
      [true, updater],
    ]),
    true,
  ],
  ['a program of another digest', installing([[true, sh]]), false],
  ['the updater in a container', installing([[false, updater]]), false],
  [
    'a user below the updater',
    installing([
      [false, sh],
      [true, updater],
    ]),
    false,
  ],
  [
    'a compiler far below the updater',
    installing([...Array.from({ length: 20 }, () => [true, sh] as const), [true, updater]]),
    true,
  ],
];
for (const [who, task, counts] of lineages) {
  test(`${who} ${counts ? 'gives' : 'does not give'} labels to what it installs`, () => {
    const decider = updatable('appraise func=BPRM_CHECK\n');
    const { memory } = asked(decider, NEW, [WRITE], { task });
    // The process may be gone when the closing is looked at.
    const closed = decider.close({ file: openedFile(WRITTEN), task: taskOfUser(0), memory });
    assert.equal(closed.writes.length, counts ? 1 : 0);
    assert.equal(closed.audits[0]?.kind, counts ? 'updater' : undefined);
    const early = asked(decider, WRITTEN, EXEC, { task, memory });
    assert.equal(early.allowed, counts);
  });
}

test('what was changed by others is not made good because an updater uses it', () => {
  const decider = updatable('appraise func=BPRM_CHECK\nappraise func=FILE_CHECK mask=MAY_READ\n');
  const task = installing([[true, updater]]);
  for (const [file, cause] of [
    [{ content: CONTENT }, 'missing-hash'],
    [{ ...withLabel(LABEL), content: utf8('changed') }, 'invalid-hash'],
  ] as const) {
    for (const hooks of [EXEC, [READ]]) {
      const found = asked(decider, file, hooks, { task });
      assert.deepEqual([found.allowed, found.writes, found.audits[0]?.cause], [false, [], cause]);
    }
  }
});

test('an updater opens for writing what has no label that fits, and only what it changes gets one', () => {
  const decider = updatable('appraise func=FILE_CHECK\n');
  const file = { ...withLabel(LABEL), content: utf8('changed') };
  const task = installing([[true, updater]]);
  assert.equal(asked(decider, file, [WRITE]).allowed, false);
  const opened = asked(decider, file, [WRITE], { task });
  assert.deepEqual([opened.allowed, opened.writes], [true, []]);
  assert.deepEqual(decider.close({ file: openedFile(file), task, memory: opened.memory }).writes, []);
  const appended = { ...file, content: utf8('changed more'), changeTime: 5n };
  assert.equal(decider.close({ file: openedFile(appended), task, memory: opened.memory }).writes.length, 1);
});

test('the next version of an updater counts once an updater has installed it, and no other program does', () => {
  const next = utf8('dpkg, version 2');
  const digest = nodeHasher.digest('sha256', next);
  for (const [path, counts] of [
    ['/usr/bin/dpkg.dpkg-new', true],
    ['/usr/bin/dpkg;5f3a91c0', true],
    ['/usr/bin/dpkg', true],
    ['/usr/bin/dpkg-deb.dpkg-new', false],
    ['/tmp/dpkg.dpkg-new', false],
  ] as const) {
    const setup = updatableSetup('appraise func=BPRM_CHECK\n');
    const decider = createDecider(setup);
    const install = (task: Task, content: Uint8Array, to: string): CloseDecision => {
      const { memory } = asked(decider, { ...NEW, path: utf8(to) }, [WRITE], { task });
      return decider.close({ file: openedFile({ ...WRITTEN, content, path: utf8(to) }), task, memory });
    };
    const replaced = install(installing([[true, updater]]), next, path);
    assert.equal(
      replaced.audits.some(({ cause }) => cause === 'new-updater'),
      counts,
      path,
    );
    const task = installing([[true, digest]]);
    assert.equal(install(task, CONTENT, '/usr/bin/tool').writes.length, counts ? 1 : 0, path);
    // Another thread decides about other files.
    assert.equal(asked(createDecider(setup), NEW, [WRITE], { task }).memory.isUpdated, counts);
  }
});

test('an updater does not make good what needs a signature', () => {
  const rule = 'appraise func=BPRM_CHECK appraise_type=imasig\n';
  const decider = updatable(rule);
  const task = installing([[true, updater]]);
  const { memory } = asked(decider, NEW, [WRITE], { task });
  const found = asked(decider, WRITTEN, EXEC, { task, memory });
  assert.equal(found.allowed, false);
  assert.equal(found.audits[0]?.cause, 'IMA-signature-required');
  assert.deepEqual(decider.close({ file: openedFile(WRITTEN), task, memory }).writes, []);
});
