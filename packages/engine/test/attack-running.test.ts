import assert from 'node:assert/strict';
import { copyFileSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { Attacker, digestOf, labelNow, openGate, watchdog, writeProgram } from './gate-support.ts';
import { eventually } from './support.ts';

// Ways to run bytes: what policies see, and what no engine of fanotify sees. The gaps are stated as they are, so that one
// that closes, or a new one, shows.

const skip = cannotMount() ?? false;
if (skip === false) watchdog(290);
const LIMIT = { skip, timeout: 60_000 };
const EXECUTE = fileURLToPath(import.meta.resolve('./execute.ts'));
const LOADER = globSync(['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1'])[0] ?? '';

const POLICIES = {
  executions: 'measure func=BPRM_CHECK\n',
  mappings: 'measure func=MMAP_CHECK\n',
  openings: 'measure func=FILE_CHECK mask=MAY_READ\n',
} as const;

interface Way {
  readonly command: (path: string) => readonly [string, ...string[]];
  /** Policies by which the file is measured before it is used; others do not see it. */
  readonly seenBy: readonly (keyof typeof POLICIES)[];
}

const ways: Readonly<Record<string, Way>> = {
  'an execution': { command: (path) => [path], seenBy: ['executions', 'mappings'] },
  'an execution by a descriptor that is open': {
    command: (path) => ['/bin/sh', '-c', 'exec 3< "$0"; exec /proc/self/fd/3', path],
    seenBy: ['executions', 'mappings', 'openings'],
  },
  'execveat(2) by an O_PATH descriptor': {
    command: (path) => [process.execPath, EXECUTE, 'path', path],
    seenBy: ['executions', 'mappings'],
  },
  'an argument of the dynamic loader': {
    command: (path) => [LOADER, path],
    seenBy: ['mappings', 'openings'],
  },
  'a library that is loaded before others': {
    command: (path) => ['/usr/bin/env', `LD_PRELOAD=${path}`, '/bin/true'],
    seenBy: ['mappings', 'openings'],
  },
  'an execution in another user namespace': {
    command: (path) => ['unshare', '--user', '--map-root-user', '--mount', path],
    seenBy: ['executions', 'mappings'],
  },
  'an execution through a mount that is attached nowhere (open_tree(2))': {
    command: (path) => [process.execPath, EXECUTE, 'detached', path],
    seenBy: ['executions', 'mappings'],
  },
  'an execution where another mount hides its own': {
    command: (path) => {
      const script = 'cd "$(dirname "$0")" && mount -t tmpfs none "$PWD" && exec ./"$(basename "$0")"';
      return ['unshare', '--mount', '/bin/sh', '-c', script, path];
    },
    seenBy: ['executions', 'mappings'],
  },
  // A new file system, which nobody can find: it is in no list of mounts. Takes root.
  'a copy on a tmpfs that is attached nowhere (fsmount(2))': {
    command: (path) => [process.execPath, EXECUTE, 'unmounted', path],
    seenBy: ['mappings', 'openings'],
  },
  // What reads the program sees it; the copy in memory is no file. Closed by sysctl vm.memfd_noexec=2.
  'a copy in memory (memfd_create)': {
    command: (path) => [process.execPath, EXECUTE, 'memory', path],
    seenBy: ['mappings', 'openings'],
  },
  // The new file system is not watched. Closed by sysctl user.max_user_namespaces=0.
  'a copy on a tmpfs of another user namespace': {
    command: (path) => {
      const script = 'mount -t tmpfs none /mnt && cp "$0" /mnt/copy && exec /mnt/copy';
      return ['unshare', '--user', '--map-root-user', '--mount', '/bin/sh', '-c', script, path];
    },
    seenBy: ['mappings', 'openings'],
  },
};

for (const [policy, rules] of Object.entries(POLICIES)) {
  test(`what a policy of ${policy} sees of programs that run`, LIMIT, async (context) => {
    using mount = mountExt4();
    using attacker = new Attacker();
    await using gate = await openGate([mount.path], { policy: rules });
    for (const [way, { command, seenBy }] of Object.entries(ways)) {
      const isSeen = seenBy.some((name) => name === policy);
      await context.test(`${way} is ${isSeen ? 'measured' : 'not seen'}`, async () => {
        const path = writeProgram(join(mount.path, 'program'), way);
        const digest = digestOf(path);
        const [program, ...given] = command(path);
        assert.equal(await attacker.run(program, ...given), 0);
        const digests = gate.entries.map(({ fields }) => Buffer.from(fields.digest?.value ?? []).toString('hex'));
        assert.equal(digests.includes(digest), isSeen);
        assert.deepEqual(gate.lost, []);
      });
    }
  });
}

test('a script and its interpreter are both measured before they run', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], { policy: POLICIES.executions });
  const [shell, script] = [join(mount.path, 'shell'), join(mount.path, 'script')];
  copyFileSync('/bin/sh', shell);
  writeFileSync(script, `#!${shell}\nexit 0\n`, { mode: 0o755 });
  assert.equal(await attacker.run(script), 0);
  assert.deepEqual([...gate.measured(script), ...gate.measured(shell)], [digestOf(script), digestOf(shell)]);
});

test('a script that is an argument of a shell elsewhere is seen by openings alone', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  const script = join(mount.path, 'script');
  writeFileSync(script, 'exit 0\n');
  for (const [policy, rules] of Object.entries(POLICIES)) {
    await using gate = await openGate([mount.path], { policy: rules });
    assert.equal(await attacker.run('/bin/sh', script), 0);
    assert.equal(gate.measured(script).length, policy === 'openings' ? 1 : 0);
  }
});

test('stores through a mapping of before the engine are measured at each opening, as a violation', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  const path = writeProgram(join(mount.path, 'program'));
  await attacker.does('map', path);
  await attacker.does('store', path, '4096');
  await using gate = await openGate([mount.path], { policy: POLICIES.openings });
  for (let count = 0; count < 3; count++) {
    await attacker.does('store', path, '4096');
    assert.equal(await attacker.run('/bin/cat', path), 0);
    assert.equal(gate.measured(path).at(-1), digestOf(path));
  }
  assert.ok(gate.entries.some(({ violation }) => violation === true));
  await attacker.does('unmap', path);
});

test('a label that is taken away, or changed, refuses what passed before', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], { policy: 'appraise func=BPRM_CHECK\n', mode: 'enforce' });
  const path = writeProgram(join(mount.path, 'program'));
  labelNow(path);
  const label = `0404${digestOf(path)}`;
  assert.equal(await attacker.run(path), 0);
  await attacker.does('label', path, 'security.ima', '');
  assert.equal(await attacker.run(path), 'EPERM');
  await attacker.does('label', path, 'security.ima', label);
  assert.equal(await attacker.run(path), 0);
  await attacker.does(
    'label',
    path,
    'security.ima',
    label.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
  );
  assert.equal(await attacker.run(path), 'EPERM');
  assert.deepEqual(gate.lost, []);
});

test('a change of owner or mode asks the policy again', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], { policy: 'measure func=BPRM_CHECK fowner=7\n' });
  const path = writeProgram(join(mount.path, 'program'));
  assert.deepEqual([await attacker.run(path), gate.entries.length], [0, 0]);
  await attacker.does('chown', path, '7');
  assert.deepEqual([await attacker.run(path), gate.entries.length], [0, 1]);
  await attacker.does('chmod', path, '700');
  assert.equal(await attacker.run(path), 0);
});

test('hundreds of programs at once are all measured before they run', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], { policy: POLICIES.executions });
  const count = 300;
  const script = readFileSync('/bin/true');
  for (let index = 0; index < count; index++) {
    writeFileSync(join(mount.path, `p${index}`), Buffer.concat([script, Buffer.from(String(index))]), { mode: 0o755 });
  }
  assert.equal(await attacker.run('/bin/sh', '-c', 'for p in "$0"/p*; do "$p" & done; wait', mount.path), 0);
  assert.equal(new Set(gate.entries.map(({ fields }) => String(fields.digest?.value))).size, count);
  assert.deepEqual(gate.lost, []);
});

test(
  'a file system that is mounted on a watched one later is watched, too, and the root file system is not',
  LIMIT,
  async () => {
    using mount = mountExt4();
    using attacker = new Attacker();
    const log: string[] = [];
    await using gate = await openGate([mount.path], { policy: POLICIES.executions }, { log: (line) => log.push(line) });
    const [later, root] = [join(mount.path, 'later'), join(mount.path, 'root')];
    for (const path of [later, root]) mkdirSync(path);
    assert.equal(await attacker.run('mount', '--bind', '/', root), 0);
    assert.equal(await attacker.run('mount', '-t', 'tmpfs', 'assay-test', later), 0);
    try {
      const path = writeProgram(join(later, 'program'));
      await eventually('it is found', () => log.length > 0);
      assert.equal(await attacker.run(path), 0);
      assert.deepEqual(gate.measured(path), [digestOf(path)]);
      assert.deepEqual(log, [`${JSON.stringify(later)} was mounted and is watched from now on`]);
    } finally {
      assert.equal(await attacker.run('umount', '--lazy', later), 0);
      assert.equal(await attacker.run('umount', '--lazy', root), 0);
    }
  },
);
