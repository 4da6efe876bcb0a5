import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '@assay/core/bytes';
import { ACCESS, parseKernelConfig, parseKernelVersion } from '@assay/core/policy';
import { keptAnswers, textOf } from '@assay/testkit/suites';
import type { Decider, FileMemory, HookCall } from '../src/decision/contract.ts';
import { createDecider } from '../src/decision/decider.ts';
import { deciderSetup, EXEC, openedFile, READ, taskOfUser, type MemoryFile } from './decision-support.ts';

const ANSWERS = new URL('../../testkit/test/vectors/kernel-answers/appraisal/', import.meta.url);

/** `appraise_algos`: the kernel refuses the first access alone, the engine each. */
const STRICTER = 3003;

interface Case {
  readonly owner: number;
  readonly label: string;
  readonly verity: boolean;
  readonly accesses: readonly string[];
}

interface Answer {
  readonly label: string;
  readonly results: string;
  readonly records: string;
  readonly labelAfter: string;
}

for (const series of ['6.1', '6.12', '7.2']) {
  test(`the engine decides as Linux ${series} did: the same accesses denied, the same audit records`, async () => {
    const [guest] = await keptAnswers(new URL(series, ANSWERS).pathname);
    assert.ok(guest);
    const { kernel, asked, files } = guest;
    const version = parseKernelVersion(kernel.version);
    const profile = { name: kernel.release, version, ...parseKernelConfig(kernel.config) };
    const certificates = [...asked].flatMap(([name, der]) => (name.endsWith('.der') ? [der] : []));
    const setup = deciderSetup({ policy: textOf(asked, 'policy'), profile, certificates, template: 'ima-ng' });
    const decider = createDecider(setup);
    const content = asked.get('program') ?? new Uint8Array();
    const cases = textOf(asked, 'files').trimEnd().split('\n').map(parseCase);
    const answers = textOf(files, 'answers').trimEnd().split('\n').map(parseAnswer);
    assert.equal(cases.length, answers.length);
    let compared = 0;
    for (const [index, one] of cases.entries()) {
      const answer = answers[index];
      assert.ok(answer);
      const found = accessed(decider, one, answer.label, content, series);
      const what = `${series} fowner=${one.owner} ${one.label.slice(0, 8)} ${one.accesses.join(',')}`;
      if (one.owner === STRICTER && answer.records.includes('denied-hash-algorithm')) {
        assert.ok(
          found.results.split(',').every((result) => result === 'denied' || result === 'E1'),
          what,
        );
        continue;
      }
      assert.deepEqual(found, answer, what);
      compared += one.accesses.length;
    }
    assert.ok(compared > 100, String(compared));
  });
}

function accessed(decider: Decider, one: Case, first: string, content: Uint8Array, series: string): Answer {
  const xattrs = new Map(first === '' ? [] : [['security.ima', fromHex(first)]]);
  const file: MemoryFile = { content, owner: one.owner, verity: one.verity, xattrs };
  const records: string[] = [];
  let memory: FileMemory | undefined;
  const results = one.accesses.map((access) => {
    // fs-verity refuses to open a file for writing before anybody is asked.
    if (access === 'write' && one.verity) return 'E1';
    const question = { file: openedFile(file), task: taskOfUser(0), hooks: hooksFor(access, series) };
    const decision = decider.decide({ ...question, ...(memory === undefined ? {} : { memory }) });
    memory = decision.memory;
    for (const { text } of decision.audits) {
      const [, op, cause, result] = /op=(\S+) cause=(\S+) .* res=(\d)/.exec(text) ?? [];
      records.push(`${op}:${cause}:${result}`);
    }
    for (const { name, value } of decision.writes) if (value !== null) xattrs.set(name, Uint8Array.from(value));
    return decision.allowed ? 'ok' : 'denied';
  });
  const labelAfter = toHex(xattrs.get('security.ima') ?? new Uint8Array());
  return { label: first, results: results.join(','), records: records.join(','), labelAfter };
}

function hooksFor(access: string, series: string): HookCall[] {
  const mapped: HookCall[] = [
    ...(series === '6.1' ? [] : [{ func: 'MMAP_CHECK_REQPROT', mask: ACCESS.MAY_EXEC } as const]),
    { func: 'MMAP_CHECK', mask: ACCESS.MAY_EXEC },
  ];
  if (access === 'read') return [READ];
  if (access === 'write') return [{ func: 'FILE_CHECK', mask: ACCESS.MAY_WRITE | ACCESS.MAY_APPEND }];
  return access === 'map' ? [READ, ...mapped] : [...EXEC, ...mapped];
}

function parseCase(line: string): Case {
  const [, owner, label = '', verity, accesses = ''] = line.split('\t');
  return { owner: Number(owner), label, verity: verity === 'verity', accesses: accesses.split(',') };
}

function parseAnswer(line: string): Answer {
  const [, label = '', results = '', records = '', labelAfter = ''] = line.split('\t');
  return { label, results, records, labelAfter };
}
