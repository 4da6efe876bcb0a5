import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeHasher } from '@assay/core/node';
import type { CloseDecision, FileMemory } from '../src/decision/contract.ts';
import { createDecider } from '../src/decision/decider.ts';
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

test('what was demanded stays demanded of a file that was refused, or has a writer; not of one that passed before', () => {
  const policy = 'appraise func=BPRM_CHECK appraise_type=imasig\nappraise func=FILE_CHECK mask=MAY_READ\n';
  const decider = createDecider(deciderSetup({ policy }));
  const file = withLabel(LABEL);
  const written = { ...file, writers: true, steady: false };
  const refused = asked(decider, file, EXEC);
  assert.equal(refused.allowed, false);
  for (const each of [file, written]) {
    const read = asked(decider, each, [READ], { memory: refused.memory });
    assert.deepEqual([read.allowed, read.audits[0]?.cause], [false, 'IMA-signature-required']);
  }
  const { memory } = asked(decider, file, EXEC, { memory: asked(decider, file, [READ]).memory });
  for (const each of [file, written]) assert.ok(asked(decider, each, [READ], { memory }).allowed);
  const changed = { ...written, changeTime: 5n };
  assert.equal(asked(decider, changed, [READ], { memory }).allowed, false);
});

test('a file that was opened for writing and not changed is not labelled for what changes its label later', () => {
  const decider = createDecider(deciderSetup({ policy: 'appraise func=FILE_CHECK\n' }));
  const at = (changeTime: bigint): MemoryFile => {
    const label = Uint8Array.of(4, 6, ...nodeHasher.digest('sha512', CONTENT));
    return { ...withLabel(label), changeTime };
  };
  const closed = (file: MemoryFile, memory: FileMemory): CloseDecision =>
    decider.close({ file: openedFile(file), task: taskOfUser(0), memory });
  const first = asked(decider, at(2n), [WRITE]).memory;
  const { memory } = closed(at(2n), first);
  const again = asked(decider, at(3n), [WRITE], { memory }).memory;
  assert.deepEqual(closed(at(3n), again).writes, []);
  const two = asked(decider, at(2n), [WRITE], { memory: first }).memory;
  const left = closed(at(2n), two).memory;
  assert.equal(closed(at(3n), left).writes.length, 1, 'the other writer has changed it');
  const refused = asked(decider, { ...at(2n), xattrs: new Map() }, [WRITE], { creates: false });
  assert.deepEqual([refused.allowed, refused.memory.written, refused.memory.writers], [false, undefined, 0]);
});
