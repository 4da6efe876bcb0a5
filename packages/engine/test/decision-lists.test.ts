import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex, utf8 } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { entryKind, parseBinaryList, type MeasurementEntry } from '@assay/core/measurement';
import { ACCESS, parseKernelConfig, parseKernelVersion } from '@assay/core/policy';
import { keptAnswers, textOf } from '@assay/testkit/suites';
import type { Decider, FileMemory, HookCall } from '../src/decision/contract.ts';
import { createDecider } from '../src/decision/decider.ts';
import { digestedDraft, digestIn, type DigestedEntry } from '../src/digested.ts';
import { deciderSetup, openedFile, READ, taskOfUser, type MemoryFile } from './decision-support.ts';

const ANSWERS = new URL('../../testkit/test/vectors/kernel-answers/measurement-lists/', import.meta.url);
const APPEND: HookCall = { func: 'FILE_CHECK', mask: ACCESS.MAY_WRITE | ACCESS.MAY_APPEND };

/** In what order a file of each kind is opened; the first descriptor stays open. */
const OPENINGS: Readonly<Record<string, readonly HookCall[]>> = {
  read: [READ],
  'open-writer': [APPEND, READ],
  tomtou: [READ, APPEND],
};

for (const [series, bank] of [
  ['6.1', 'sha1'],
  ['6.12', 'sha256'],
  ['7.2', 'sha512'],
] as const) {
  test(`the engine lists what Linux ${series} listed: the same entries in the same order, digest for digest`, async () => {
    const [guest] = await keptAnswers(new URL(series, ANSWERS).pathname);
    assert.ok(guest);
    const { kernel, asked, files } = guest;
    const profile = {
      name: kernel.release,
      version: parseKernelVersion(kernel.version),
      ...parseKernelConfig(kernel.config),
    };
    const [hash, template] = textOf(asked, 'boot').trim().split('\n');
    assert.equal(hash, 'sha256');
    const decider = createDecider(deciderSetup({ policy: textOf(asked, 'policy'), profile, template: template ?? '' }));
    const name = series === '6.1' ? 'binary_runtime_measurements' : `binary_runtime_measurements_${bank}`;
    const all = parseBinaryList(files.get(name) ?? new Uint8Array(), { bank }).entries;
    const listed = all.filter((entry) => entryKind(entry) !== 'boot-aggregate').map((entry) => shownKernel(entry));
    const lines = textOf(asked, 'files').trimEnd().split('\n');
    const decided = lines.flatMap((line) => entriesOf(line, decider)).map((entry) => shown(entry, bank));
    assert.ok(listed.length > lines.length, 'violations are among them');
    assert.deepEqual(decided, listed);
  });
}

function entriesOf(line: string, decider: Decider): DigestedEntry[] {
  const [index = '', owner, kind = '', path = '', size, ima = '', evm = '', enable = ''] = line.split('\t');
  const labels = [
    ['security.ima', ima],
    ['security.evm', evm],
  ].flatMap(([name = '', hex = '']) => (hex === '' ? [] : [[name, fromHex(hex)] as const]));
  const unit = `${index}\n`;
  const length = Number(size);
  const file: MemoryFile = {
    content: utf8(unit.repeat(Math.floor(length / unit.length) + 1)).subarray(0, length),
    path: fromHex(path),
    owner: Number(owner),
    group: Number(index),
    mode: 0o100644,
    xattrs: new Map(labels),
    ...(enable === '' ? {} : { verity: verityIn(enable) }),
    writers: kind === 'open-writer',
    readers: kind === 'tomtou',
  };
  let memory: FileMemory | undefined;
  return (OPENINGS[kind] ?? []).flatMap((hook) => {
    const question = { file: openedFile(file), task: taskOfUser(0), hooks: [hook] };
    const decision = decider.decide({ ...question, ...(memory === undefined ? {} : { memory }) });
    memory = decision.memory;
    return decision.entries.map((draft) => digestedDraft(['sha256', 'sha512'], draft));
  });
}

function verityIn(words: string): Exclude<MemoryFile['verity'], boolean | undefined> {
  const salt = /--salt=([0-9a-f]+)/.exec(words)?.[1] ?? '';
  const algorithm = words.includes('--hash-alg=sha512') ? 'sha512' : 'sha256';
  return { algorithm, blockSize: 4096, salt: fromHex(salt) };
}

function shown(entry: DigestedEntry, bank: HashName): string {
  return `${entry.pcr} ${toHex(digestIn(bank, entry))} ${entry.template} ${toHex(entry.templateData)}`;
}

function shownKernel({ pcr, templateDigest, template, templateData }: MeasurementEntry): string {
  return `${pcr} ${toHex(templateDigest)} ${template} ${toHex(templateData)}`;
}
