import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex, utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { ACCESS } from '@assay/core/policy';
import type { Decider, FileMemory, HookCall } from '../src/decision/contract.ts';
import { EngineControl } from '../src/decision/control.ts';
import { createDecider } from '../src/decision/decider.ts';
import { MAY_ONLY_READ } from '../src/decision/hooks.ts';
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
  type TestSetup,
} from './decision-support.ts';

const SHA256 = nodeHasher.digest('sha256', CONTENT);

function deciderOf(setup: TestSetup): Decider {
  return createDecider(deciderSetup(setup));
}

describe('measuring', () => {
  test('one entry for each PCR, with the template of its rule, whatever the number of hooks', () => {
    const policy =
      'measure func=FILE_CHECK pcr=11\nmeasure func=BPRM_CHECK pcr=12 template=ima-sig\nmeasure func=CREDS_CHECK pcr=12\n';
    const { entries, allowed } = asked(deciderOf({ policy }), { content: CONTENT }, EXEC);
    assert.ok(allowed);
    assert.deepEqual(
      entries.map(({ pcr, template }) => [pcr, template]),
      [
        [11, 'ima-ng'],
        [12, 'ima-sig'],
      ],
    );
    assert.equal(toHex(entries[0]?.fields.digest?.value ?? new Uint8Array()), toHex(SHA256));
  });

  test('the algorithm is that of the label; a template without its name holds SHA-1', () => {
    const file = withLabel(Uint8Array.of(4, 6, ...new Uint8Array(64)));
    const [entry] = asked(deciderOf({ policy: 'measure func=FILE_CHECK\n' }), file, [READ]).entries;
    assert.equal(entry?.fields.digest?.algorithm, 'sha512');
    const [old] = asked(deciderOf({ policy: 'measure func=FILE_CHECK template=ima\n' }), file, [READ]).entries;
    assert.deepEqual(old?.fields.digest, { algorithm: 'sha1', value: nodeHasher.digest('sha1', CONTENT) });
  });

  test('a rule for fs-verity takes its digest without reading the content, and measures nothing without one', () => {
    const decider = deciderOf({ policy: 'measure func=FILE_CHECK digest_type=verity template=ima-ngv2\n' });
    const file = openedFile({ content: CONTENT, verity: true });
    const { entries } = decider.decide({ file, task: taskOfUser(0), hooks: [READ] });
    assert.equal(entries[0]?.fields.digest?.type, 'verity');
    assert.deepEqual(file.hashed, []);
    const without = asked(decider, { content: CONTENT }, [READ]);
    assert.deepEqual(without.entries, []);
    assert.match(without.audits[0]?.text ?? '', /op=collect_data cause=no-verity-digest/);
    assert.ok(without.allowed);
  });

  test('an opening with O_DIRECT is measured with a digest of zeros, as the kernel does not read around the cache', () => {
    const { entries } = asked(deciderOf({ policy: 'measure func=FILE_CHECK\n' }), { content: CONTENT }, [READ], {
      isDirect: true,
    });
    assert.deepEqual(entries[0]?.fields.digest, { algorithm: 'sha256', value: new Uint8Array(32) });
  });

  test('what was measured is not measured again while the file is the same', () => {
    const decider = deciderOf({ policy: 'measure func=FILE_CHECK\n' });
    const { memory } = asked(decider, { content: CONTENT }, [READ]);
    assert.deepEqual(asked(decider, { content: CONTENT }, [READ], { memory }).entries, []);
    const changed = asked(decider, { content: CONTENT, changeTime: 3n }, [READ], { memory });
    assert.equal(changed.entries.length, 1);
    const unsteady = asked(decider, { content: CONTENT, steady: false }, [READ]);
    assert.equal(unsteady.cache, undefined);
    assert.equal(asked(decider, { content: CONTENT }, [READ], { memory: unsteady.memory }).entries.length, 1);
  });

  test('content that cannot be read is told as lost', () => {
    const decider = deciderOf({ policy: 'measure func=FILE_CHECK\n' });
    const file = { ...openedFile({ content: CONTENT }), digests: () => 'file-slow' as const };
    const { lost, entries, cache } = decider.decide({ file, task: taskOfUser(0), hooks: [READ] });
    assert.deepEqual([lost, entries, cache], ['file-slow', [], undefined]);
  });
});

describe('violations', () => {
  const decider = deciderOf({ policy: 'measure func=FILE_CHECK mask=MAY_READ\n', template: 'ima-sig' });

  test('open writers: a violation in front of the measurement, once while there are writers', () => {
    const first = asked(decider, { content: CONTENT, writers: true, steady: false }, [READ]);
    assert.deepEqual(
      first.entries.map(({ violation }) => violation ?? false),
      [true, false],
    );
    assert.match(first.audits[0]?.text ?? '', /op=invalid_pcr cause=open_writers .* res=1 errno=0$/);
    assert.equal(first.audits[0]?.type, 'INTEGRITY_PCR');
    const again = asked(decider, { content: CONTENT, writers: true, steady: false }, [READ], { memory: first.memory });
    assert.deepEqual(
      again.entries.map(({ violation }) => violation ?? false),
      [false],
    );
    const without = asked(decider, { content: CONTENT }, [READ], { memory: again.memory });
    const later = asked(decider, { content: CONTENT, writers: true }, [READ], { memory: without.memory });
    assert.equal(later.entries[0]?.violation, true);
    const closed = decider.close({ file: openedFile({ content: CONTENT }), task: taskOfUser(0), memory: again.memory });
    const next = asked(decider, { content: CONTENT, writers: true }, [READ], { memory: closed.memory });
    assert.equal(next.entries[0]?.violation, true, 'the writer closed it without a change, and another one came');
  });

  test('ToMToU: writing to what was measured and is still being read, once for each measured reading', () => {
    const { memory } = asked(decider, { content: CONTENT }, [READ]);
    const unread = asked(decider, { content: CONTENT, readers: false }, [WRITE], { memory });
    assert.deepEqual(unread.entries, []);
    for (const readers of [true, 'unknown'] as const) {
      const written = asked(decider, { content: CONTENT, readers }, [WRITE], { memory });
      assert.equal(written.entries[0]?.violation, true);
      assert.match(written.audits[0]?.text ?? '', /cause=ToMToU/);
      assert.equal(written.cache, undefined);
      assert.deepEqual(asked(decider, { content: CONTENT, readers }, [WRITE], { memory: written.memory }).entries, []);
    }
    assert.deepEqual(asked(decider, { content: CONTENT, readers: true }, [WRITE]).entries, []);
  });
});

describe('appraising', () => {
  const policy = 'appraise func=BPRM_CHECK\n';

  test('a right label passes and is remembered; the verdict may be cached', () => {
    const decider = deciderOf({ policy });
    const found = asked(decider, withLabel(LABEL), EXEC);
    assert.equal(found.allowed, true);
    assert.deepEqual(found.cache, { epoch: 1, subject: '' });
    assert.ok(found.memory.appraisal.passed.has('bprm'));
    const file = openedFile(withLabel(LABEL));
    decider.decide({ file, task: taskOfUser(0), hooks: EXEC, memory: found.memory });
    assert.deepEqual(file.hashed, []);
  });

  for (const [mode, allowed] of [
    ['enforce', false],
    ['log', true],
    ['fix', true],
    ['off', true],
  ] as const) {
    test(`without a label, in mode ${mode}`, () => {
      const found = asked(deciderOf({ policy, mode }), { content: CONTENT }, EXEC);
      assert.equal(found.allowed, allowed);
      assert.deepEqual(
        found.audits.map(({ cause, denied, rule, func }) => [cause, denied, rule, func]),
        mode === 'off' ? [] : [['missing-hash', !allowed, 'appraise func=BPRM_CHECK', 'BPRM_CHECK']],
      );
      assert.deepEqual(
        found.writes,
        mode === 'fix' ? [{ name: 'security.ima', value: Uint8Array.of(4, 4, ...SHA256) }] : [],
      );
      assert.equal(found.cache, undefined);
    });
  }

  test('a mode that is changed holds from the next decision on', () => {
    const setup = deciderSetup({ policy });
    const decider = createDecider(setup);
    assert.equal(asked(decider, { content: CONTENT }, EXEC).allowed, false);
    const control = new EngineControl(setup.control);
    control.mode = 'log';
    assert.equal(asked(decider, { content: CONTENT }, EXEC).allowed, true);
    control.mode = 'enforce';
    control.paused = true;
    const paused = asked(decider, { content: CONTENT }, EXEC);
    assert.deepEqual([paused.allowed, paused.audits, paused.cache], [true, [], undefined]);
  });

  test('what passes unappraised in mode off is asked about again, as the next mode may appraise it', () => {
    const setup = deciderSetup({ policy: 'measure func=BPRM_CHECK\nappraise func=BPRM_CHECK\n', mode: 'off' });
    const decider = createDecider(setup);
    const first = asked(decider, { content: CONTENT }, EXEC);
    assert.deepEqual([first.allowed, first.cache, first.entries.length], [true, undefined, 1]);
    new EngineControl(setup.control).mode = 'enforce';
    assert.equal(asked(decider, { content: CONTENT }, EXEC, { memory: first.memory }).allowed, false);
    const measuring = deciderOf({ policy: 'measure func=BPRM_CHECK\n', mode: 'off' });
    assert.ok(asked(measuring, { content: CONTENT }, EXEC).cache !== undefined);
  });

  test('a label by an algorithm that the rule does not allow is refused at each access, not at the first alone', () => {
    const decider = deciderOf({ policy: 'appraise func=FILE_CHECK appraise_algos=sha512\n' });
    const first = asked(decider, withLabel(LABEL), [READ]);
    const second = asked(decider, withLabel(LABEL), [READ], { memory: first.memory });
    assert.deepEqual([first.allowed, second.allowed], [false, false]);
    assert.equal(second.audits[0]?.cause, 'denied-hash-algorithm');
  });

  test('a fact that cannot be had is refused where it is enforced', () => {
    const broken = { ...openedFile(withLabel(LABEL)), isSteady: () => assert.fail('the disk is gone') };
    const question = { file: broken, task: taskOfUser(0), hooks: EXEC };
    for (const mode of ['enforce', 'log'] as const) {
      const { allowed, lost } = deciderOf({ policy, mode }).decide(question);
      assert.deepEqual([allowed, lost], [mode === 'log', 'file-unreadable']);
    }
  });

  test('what is written gets a new hash label at its closing, unless nothing changed or it is signed', () => {
    const decider = deciderOf({ policy: 'appraise func=FILE_CHECK\n' });
    const opened = asked(decider, withLabel(LABEL), [WRITE]);
    const task = taskOfUser(0);
    const close = (file: MemoryFile): (string | undefined)[] =>
      decider
        .close({ file: openedFile(file), task, memory: opened.memory })
        .writes.map(({ value }) => (value === null ? undefined : toHex(value)));
    assert.deepEqual(close(withLabel(LABEL)), []);
    const changed = { ...withLabel(LABEL), content: utf8('new'), changeTime: 5n };
    assert.deepEqual(close(changed), [`0404${toHex(nodeHasher.digest('sha256', utf8('new')))}`]);
    const signed = withLabel(Uint8Array.of(3, 2, 4, 1, 2, 3, 4, 0, 0));
    assert.deepEqual(close({ ...signed, changeTime: 5n }), []);
  });

  /** What a file gets when it is closed after a change. @param opened how it was opened before, in this order */
  function labelled(setup: TestSetup, file: MemoryFile, ...opened: readonly HookCall[]): readonly string[] {
    const decider = deciderOf(setup);
    const memory = opened.reduce<FileMemory | undefined>(
      (before, hook) => asked(decider, file, [hook], before === undefined ? {} : { memory: before }).memory,
      undefined,
    );
    const closed = { ...file, content: utf8('new'), changeTime: 5n };
    const question = { file: openedFile(closed), task: taskOfUser(0), ...(memory === undefined ? {} : { memory }) };
    return decider.close(question).writes.map(({ name }) => name);
  }

  test('what failed when it was opened for writing gets no label at its closing, so that nothing is made good', () => {
    const log = { policy: 'appraise func=FILE_CHECK\n', mode: 'log' } as const;
    const wrong = withLabel(Uint8Array.of(4, 4, ...new Uint8Array(32)));
    assert.deepEqual(labelled(log, wrong, WRITE), []);
    assert.deepEqual(labelled(log, { content: CONTENT }, WRITE), []);
    assert.deepEqual(labelled(log, withLabel(LABEL), WRITE), ['security.ima']);
    assert.deepEqual(labelled({ policy: 'hash func=FILE_CHECK\n', mode: 'log' }, wrong, WRITE), ['security.ima']);
    assert.deepEqual(labelled(log, withLabel(LABEL)), ['security.ima'], 'opened before the engine began');
  });

  test('whether a label is given follows from how the file was opened, not from a later use', () => {
    const policy = 'hash func=FILE_CHECK mask=MAY_WRITE\n';
    const appended: HookCall = { func: 'FILE_CHECK', mask: ACCESS.MAY_WRITE | ACCESS.MAY_APPEND };
    assert.deepEqual(labelled({ policy }, withLabel(LABEL), WRITE), ['security.ima']);
    assert.deepEqual(labelled({ policy }, withLabel(LABEL), appended), []);
    assert.deepEqual(labelled({ policy: 'hash func=FILE_CHECK mask=MAY_READ\n' }, withLabel(LABEL), READ, WRITE), [
      'security.ima',
    ]);
  });

  test('a new file passes for readers, too, until its writer closes it', () => {
    const decider = deciderOf({ policy: 'appraise func=FILE_CHECK\n' });
    const empty = { content: new Uint8Array(), writers: true, steady: false };
    const created = asked(decider, empty, [WRITE], { creates: true });
    assert.ok(created.allowed);
    const half = { ...empty, content: utf8('half'), changeTime: 3n };
    const read = asked(decider, half, [READ], { memory: created.memory });
    assert.ok(read.allowed);
    const { memory } = decider.close({ file: openedFile(half), task: taskOfUser(0), memory: read.memory });
    assert.equal(asked(decider, half, [READ], { memory }).allowed, false, 'nobody gave it a label in this test');
  });

  test('what was demanded of a file stays demanded when its content changes, until its owner or mode does', () => {
    const policy = 'appraise func=BPRM_CHECK appraise_type=imasig\nappraise func=FILE_CHECK mask=MAY_READ\n';
    const decider = deciderOf({ policy, mode: 'log' });
    const { memory } = asked(decider, withLabel(LABEL), EXEC);
    const causes = (file: MemoryFile): (string | undefined)[] =>
      asked(decider, file, [READ], { memory }).audits.map(({ cause }) => cause);
    assert.deepEqual(causes({ ...withLabel(LABEL), changeTime: 5n }), ['IMA-signature-required']);
    assert.deepEqual(causes({ ...withLabel(LABEL), changeTime: 5n, mode: 0o100700 }), []);
  });
});

describe('who does it', () => {
  test('verdicts hold for everybody unless a rule looks at the task', () => {
    const any = deciderOf({ policy: 'measure func=BPRM_CHECK\n' });
    assert.deepEqual([any.needsSubject, any.subjectKey(taskOfUser(1))], [false, '']);
    const root = deciderOf({ policy: 'measure func=BPRM_CHECK uid=0\n' });
    assert.equal(root.needsSubject, true);
    assert.notEqual(root.subjectKey(taskOfUser(0)), root.subjectKey(taskOfUser(1)));
    assert.equal(asked(root, { content: CONTENT }, EXEC).entries.length, 1);
    assert.deepEqual(asked(root, { content: CONTENT }, EXEC, { task: taskOfUser(1) }).entries, []);
  });
});

describe('hooks', () => {
  const decider = deciderOf({ policy: 'measure func=FILE_CHECK\n' });
  const elf = (type: number): Uint8Array => {
    const head = new Uint8Array(64);
    head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
    head[16] = type;
    return head;
  };
  const hooks = (isExec: boolean, file: MemoryFile, flags?: number): string[] =>
    decider
      .hooksOf({ isExec, ...(flags === undefined ? {} : { flags }) }, openedFile(file))
      .map(({ func, mask }) => `${func}:${mask}`);
  const { MAY_EXEC, MAY_READ, MAY_WRITE, MAY_APPEND } = ACCESS;
  const mapped = [`MMAP_CHECK_REQPROT:${MAY_EXEC}`, `MMAP_CHECK:${MAY_EXEC}`];
  const executed = [`FILE_CHECK:${MAY_EXEC}`, `BPRM_CHECK:${MAY_EXEC}`, `CREDS_CHECK:${MAY_EXEC}`];
  const cases: [string, string[], string[]][] = [
    ['a script that is executed', hooks(true, { content: CONTENT }), executed],
    ['a program that is executed', hooks(true, { content: elf(2) }), [...executed, ...mapped]],
    ['a shared object that is read', hooks(false, { content: elf(3) }), [`FILE_CHECK:${MAY_READ}`, ...mapped]],
    ['an object file that is read', hooks(false, { content: elf(1) }), [`FILE_CHECK:${MAY_READ}`]],
    ['a file that is cut', hooks(false, { content: elf(3) }, 0o1001), [`FILE_CHECK:${MAY_WRITE}`]],
    [
      'a file that is appended to',
      hooks(false, { content: CONTENT }, 0o2002),
      [`FILE_CHECK:${MAY_READ | MAY_WRITE | MAY_APPEND}`],
    ],
    [
      'a file with a writer that somebody opens for what is not known: as of a reader, and as of one who writes, too',
      hooks(false, { content: CONTENT }, 0o2 | MAY_ONLY_READ),
      [`FILE_CHECK:${MAY_READ}`, `FILE_CHECK:${MAY_READ | MAY_WRITE}`],
    ],
    ['a file whose path alone is opened', hooks(false, { content: elf(3) }, 0o10000000), []],
    [
      'a module',
      hooks(false, { content: elf(1), path: utf8('/lib/modules/6.1/a.ko.xz') }),
      [`FILE_CHECK:${MAY_READ}`, `MODULE_CHECK:${MAY_READ}`],
    ],
    [
      'firmware',
      hooks(false, { content: CONTENT, path: utf8('/usr/lib/firmware/a.bin') }),
      [`FILE_CHECK:${MAY_READ}`, `FIRMWARE_CHECK:${MAY_READ}`],
    ],
    [
      'a kernel',
      hooks(false, { content: CONTENT, path: utf8('/boot/vmlinuz-6.12') }),
      [`FILE_CHECK:${MAY_READ}`, `KEXEC_KERNEL_CHECK:${MAY_READ}`],
    ],
  ];
  for (const [what, found, expected] of cases) {
    test(`of ${what}`, () => assert.deepEqual(found, expected));
  }

  const events: [string, 'exec' | 'open'][] = [
    ['measure func=BPRM_CHECK\nmeasure func=CRITICAL_DATA\n', 'exec'],
    ['measure func=BPRM_CHECK\nmeasure func=MMAP_CHECK\n', 'open'],
    ['dont_measure func=FILE_CHECK\nappraise func=BPRM_CHECK\n', 'exec'],
    ['appraise fowner=0\n', 'open'],
  ];
  for (const [policy, expected] of events) {
    test(`${policy.trim().replaceAll('\n', ', ')} needs events of ${expected}`, () => {
      assert.equal(deciderOf({ policy }).events, expected);
    });
  }
});

test('a decider gives the memory of one file to nobody: two files have their own', () => {
  const decider = deciderOf({ policy: 'measure func=FILE_CHECK\n' });
  const memory: FileMemory = asked(decider, { content: CONTENT }, [READ]).memory;
  assert.ok(memory.measured.has(10));
  assert.equal(asked(decider, { content: utf8('other') }, [READ]).entries.length, 1);
});
