import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromHex, toHex, utf8 } from '@assay/core/bytes';
import { parseKernelConfig, parseKernelVersion } from '@assay/core/policy';
import { startEngine } from '@assay/engine';
import { getXattr, setXattr } from '@assay/linux/xattr';
import { keptAnswers, textOf } from '@assay/testkit/suites';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import type { AuditEvent } from '../src/decision/contract.ts';
import { deciderSetup } from './decision-support.ts';
import { assertReplays, eventually, readList, scratchDirectory, startTpm } from './support.ts';

const skip = cannotMount() ?? false;
const ANSWERS = new URL('../../testkit/test/vectors/kernel-answers/appraisal/', import.meta.url);

/** `appraise_algos`: the kernel refuses the first access alone, the engine each. */
const STRICTER = '3003';
/** Rules that MMAP_CHECK meets and reading does not: the engine asks it when an ELF file is opened for reading. */
const MAPPED: readonly string[] = ['3004', '3007'];

/** Opens files as the cases say, and says after each what came of it. */
const ACCESSES = `
import mmap, os, sys
for line in sys.stdin:
    kind, path = line.rstrip('\\n').split(' ', 1)
    try:
        if kind == 'exec':
            answer = 'ok' if os.spawnv(os.P_WAIT, path, ['program']) == 0 else 'denied'
        else:
            file = os.open(path, os.O_WRONLY | os.O_APPEND if kind == 'write' else os.O_RDONLY)
            if kind == 'map':
                mmap.mmap(file, 64, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC).close()
            os.close(file)
            answer = 'ok'
    except OSError as error:
        answer = 'denied' if error.errno == 1 else 'E%d' % error.errno
    print(answer, flush=True)
`;

interface Case {
  readonly index: string;
  readonly owner: string;
  readonly label: string;
  readonly accesses: readonly string[];
  readonly results: readonly string[];
  readonly records: readonly string[];
  readonly labelAfter: string;
}

async function casesOf(series: string) {
  const [guest] = await keptAnswers(new URL(series, ANSWERS).pathname);
  assert.ok(guest);
  const { kernel, asked, files } = guest;
  const answers = textOf(files, 'answers').trimEnd().split('\n');
  const cases = textOf(asked, 'files')
    .trimEnd()
    .split('\n')
    .flatMap((line, at): Case[] => {
      const [index = '', owner = '', , verity, accesses = ''] = line.split('\t');
      // Few kernels can enable fs-verity: those cases are asked without a file system (decision-kernel.test.ts).
      if (verity === 'verity') return [];
      const [, label = '', results = '', records = '', labelAfter = ''] = answers[at]?.split('\t') ?? [];
      const parts = (text: string): string[] => (text === '' ? [] : text.split(','));
      const one = {
        index,
        owner,
        label,
        accesses: parts(accesses),
        results: parts(results),
        records: parts(records),
        labelAfter,
      };
      return [one];
    });
  const profile = {
    name: kernel.release,
    version: parseKernelVersion(kernel.version),
    ...parseKernelConfig(kernel.config),
  };
  const certificates = [...asked].flatMap(([name, der]) => (name.endsWith('.der') ? [der] : []));
  const setup = deciderSetup({ policy: textOf(asked, 'policy'), profile, certificates, mode: 'enforce' });
  return { cases, setup, program: asked.get('program') ?? new Uint8Array() };
}

/** On ext4 with real openings: what Linux 6.12 allowed and denied the engine allows and denies. */
test('the engine answers openings as Linux 6.12 did, with the same audit records', {
  skip,
  timeout: 120_000,
}, async () => {
  const { cases, setup, program } = await casesOf('6.12');
  await using machine = await startTpm('swtpm');
  using mount = mountExt4();
  using directory = scratchDirectory();
  const pathOf = ({ index }: Case): string => join(mount.path, `c${index}`);
  for (const one of cases) make(one, pathOf(one), program);
  const audits: AuditEvent[] = [];
  const engine = await startEngine({
    directory: directory.path,
    tpm: machine.tpm,
    mounts: [mount.path],
    mode: 'permission',
    decider: setup,
    onAudit: (event) => audits.push(event),
  });
  const results = await accessed(cases.flatMap((one) => one.accesses.map((kind) => `${kind} ${pathOf(one)}`)));
  await engine.stop('done');
  await eventually('all records have come', () => readList(directory.path).length >= 3);
  let at = 0;
  let compared = 0;
  for (const one of cases) {
    const found = results.slice(at, (at += one.accesses.length));
    const what = `fowner=${one.owner} ${one.label.slice(0, 12)} ${one.accesses.join(',')}`;
    if (one.owner === STRICTER && one.records.some((record) => record.includes('denied-hash-algorithm'))) {
      assert.ok(!found.includes('ok'), what);
      continue;
    }
    if (MAPPED.includes(one.owner)) {
      assertMapped(one, found, what);
      continue;
    }
    assert.deepEqual(found, one.results, what);
    assert.deepEqual(recordsOf(audits, pathOf(one)), one.records, what);
    assert.equal(toHex(getXattr(utf8(pathOf(one)), 'security.ima') ?? new Uint8Array()), one.labelAfter, what);
    compared += found.length;
  }
  assert.ok(compared > 60, String(compared));
  await assertReplays(directory.path, machine.tpm);
});

/** What the kernel denies when it is mapped is denied; reading is denied with it, which the kernel does not ask about. */
function assertMapped(one: Case, found: readonly string[], what: string): void {
  for (const [index, result] of one.results.entries()) {
    if (one.accesses[index] === 'read' && found[index] === 'denied') continue;
    assert.equal(found[index], result, what);
  }
}

function make({ owner, label }: Case, path: string, program: Uint8Array): void {
  writeFileSync(path, program);
  chownSync(path, Number(owner), 0);
  chmodSync(path, 0o755);
  if (label !== '') setXattr(utf8(path), 'security.ima', fromHex(label));
}

/** In a process of its own, as this one answers. */
function accessed(lines: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn('python3', ['-c', ACCESSES], { stdio: ['pipe', 'pipe', 'inherit'] });
    const limit = setTimeout(() => child.kill('SIGKILL'), 90_000);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(limit);
      resolve(text.trimEnd().split('\n'));
    });
    child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  });
}

function recordsOf(audits: readonly AuditEvent[], path: string): string[] {
  return audits
    .filter((audit) => Buffer.from(audit.path).toString() === path)
    .map(({ text }) => {
      const [, op, cause, result] = /op=(\S+) cause=(\S+) .* res=(\d)/.exec(text) ?? [];
      return `${op}:${cause}:${result}`;
    });
}
