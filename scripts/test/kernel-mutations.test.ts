import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cannotMount } from '@assay/testkit/mounts';
import { ROOT } from '../workspace.ts';

const ANSWERS = join(ROOT, 'packages/testkit/test/vectors/kernel-answers');
const PACKAGES = ['core', 'linux', 'engine', 'wire', 'testkit'];

interface Fault {
  readonly suite: string;
  /** Below packages/core/src, or in the package that is named. */
  readonly file: string;
  readonly of?: 'engine';
  readonly right: string;
  readonly wrong: string;
}

/** One wrong constant each, and the suite that has to notice it. */
const FAULTS: readonly Fault[] = [
  { suite: 'policy-rules', file: 'policy/limits.ts', right: "['measure', 'dont_measure'];", wrong: "['measure'];" },
  {
    suite: 'policy-matching',
    file: 'policy/match.ts',
    right: "'<': (id, value) => id < value",
    wrong: "'<': (id, value) => id <= value",
  },
  { suite: 'measurement-lists', file: 'measurement/chain.ts', right: '0xff', wrong: '0xfe' },
  { suite: 'evm-values', file: 'evm/check.ts', right: 'KEY_SIZE = 128', wrong: 'KEY_SIZE = 64' },
  { suite: 'labels', file: 'evm/metadata.ts', right: '.u16(0)', wrong: '.u16(1)' },
  {
    suite: 'labels',
    file: 'label/verify.ts',
    right: 'if (label.version === 2) return',
    wrong: 'if (label.version === 3) return',
  },
  {
    suite: 'labels',
    file: 'appraisal/access.ts',
    right: 'demandsOf(memory.demands, rules.demands)',
    wrong: 'rules.demands',
  },
  {
    suite: 'verity',
    file: 'verity/tree.ts',
    right: 'verityHash(algorithm).block',
    wrong: 'verityHash(algorithm).size',
  },
  { suite: 'key-measurements', file: 'label/measured-buffer.ts', right: 'SEQUENCE = 0x30', wrong: 'SEQUENCE = 0x31' },
  { suite: 'appraisal', file: 'appraisal/appraise.ts', right: 'label.subarray(2)', wrong: 'label.subarray(1)' },
  {
    suite: 'preflight',
    file: 'preflight/label.ts',
    right: 'LABEL_TYPES.digest ? 2 : 1',
    wrong: 'LABEL_TYPES.digest ? 1 : 1',
  },
  { suite: 'eventlog', file: 'eventlog/secure-boot.ts', right: 'data[0] === 1 ?', wrong: 'data[0] === 2 ?' },
  { suite: 'kexec', file: 'measurement/digests.ts', right: "bank === 'sha1' ? 8 : 10", wrong: '8' },
  { suite: 'evm-key', file: 'evm/check.ts', right: 'KEY_SIZE = 128', wrong: 'KEY_SIZE = 64' },
  { suite: 'attest', file: 'evidence/binding.ts', right: "'assay evidence v1'", wrong: "'assay evidence v0'" },
  {
    suite: 'engine-matching',
    of: 'engine',
    file: 'decision/hooks.ts',
    right: 'O_APPEND = 0o2000',
    wrong: 'O_APPEND = 0o4000',
  },
];

const cannotOpen = cannotMount() ?? false;

describe('a fault in core, or in the engine', () => {
  const copy = mkdtempSync(join(tmpdir(), 'assay-fault-'));
  const source = ({ file, of }: Fault): string => join(copy, 'packages', of ?? 'core', 'src', file);

  /** Packages and scripts as they are, with the dependencies of the original. */
  before(() => {
    for (const name of PACKAGES) {
      for (const part of ['src', 'package.json']) {
        cpSync(join(ROOT, 'packages', name, part), join(copy, 'packages', name, part), { recursive: true });
      }
    }
    cpSync(join(ROOT, 'scripts'), join(copy, 'scripts'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(copy, 'package.json'));
    mkdirSync(join(copy, 'node_modules/@assay'), { recursive: true });
    for (const name of PACKAGES) symlinkSync(join(copy, 'packages', name), join(copy, 'node_modules/@assay', name));
    for (const name of readdirSync(join(ROOT, 'node_modules')).filter((each) => each !== '@assay')) {
      symlinkSync(join(ROOT, 'node_modules', name), join(copy, 'node_modules', name));
    }
  });
  after(() => {
    rmSync(copy, { recursive: true });
  });

  function judge(suite: string): { status: number | null; stdout: string; stderr: string } {
    const options = ['--judge', '--answers', ANSWERS, '--kernel', '6.12', '--suite', suite];
    return spawnSync(process.execPath, [join(copy, 'scripts/test-kernel.ts'), ...options], { encoding: 'utf8' });
  }

  for (const fault of FAULTS) {
    const { suite, right, wrong } = fault;
    const skip = fault.of === 'engine' && cannotOpen;
    test(`is found by the suite ${suite}, which agrees without it: ${wrong}`, { skip }, () => {
      const sound = readFileSync(source(fault), 'utf8');
      assert.ok(sound.includes(right), `${fault.file} has ${right}`);
      assert.equal(judge(suite).status, 0);
      writeFileSync(source(fault), sound.replace(right, wrong));
      const { status, stdout, stderr } = judge(suite);
      writeFileSync(source(fault), sound);
      assert.equal(status, 1, stderr);
      assert.match(stdout, /the kernel (says|wrote) /);
    });
  }
});
