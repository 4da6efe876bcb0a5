import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  driftAt,
  explanation,
  severityOf,
  withMoves,
  type BaselineObject,
  type Drift,
  type PackageFacts,
  type Severity,
} from '@assay/core/baseline';
import { parseDiversions, parseDpkgLog, parseDpkgStatus, parseMd5sums } from '@assay/core/package';

const UNREAD = {
  path: '/usr/bin/ls',
  type: 'file',
  mode: 0o755,
  uid: 0,
  gid: 0,
  size: 3,
  links: 1,
  inode: '12',
  mtime: '1700000000.000000001',
  ctime: '1700000000.000000002',
} as const;
const FILE: BaselineObject = { ...UNREAD, digest: `sha256:${'ab'.repeat(32)}` };
const OTHER = `sha256:${'cd'.repeat(32)}`;

function changed(after: Partial<BaselineObject>, before = FILE): Drift {
  const [drift] = driftAt(before, { ...before, ...after }, true);
  assert.ok(drift !== undefined);
  return drift;
}

describe('differences', () => {
  const ATTRIBUTES: readonly (readonly [Partial<BaselineObject>, readonly string[]])[] = [
    [{ digest: OTHER }, ['content']],
    [{ size: 4, digest: OTHER }, ['content']],
    [{ mode: 0o4755, uid: 1, gid: 1 }, ['mode', 'owner', 'group']],
    [{ xattrs: [['security.ima', '00']] }, ['xattrs']],
    [{ links: 2 }, ['links']],
    [{ sameAs: '/usr/bin/dir' }, ['links']],
    [{ mtime: '1700000000.000000003' }, ['mtime']],
    [{ inode: '13', ctime: '1700000001.000000000' }, []],
  ];
  for (const [after, expected] of ATTRIBUTES) {
    test(`of ${Object.keys(after).join(' and ')} are ${expected.join(', ') || 'none'}`, () => {
      const [drift] = driftAt(FILE, { ...FILE, ...after }, true);
      assert.deepEqual(drift?.kind === 'changed' ? drift.attributes : [], expected);
    });
  }

  test('of times alone count only where that is wanted, and never of directories', () => {
    const later = { mtime: '1700000009.000000000' };
    assert.deepEqual(driftAt(FILE, { ...FILE, ...later }, false), []);
    const directory: BaselineObject = { ...UNREAD, type: 'directory' };
    assert.deepEqual(driftAt(directory, { ...directory, ...later, links: 9 }, true), []);
  });

  test('between a file that was read and one that was not are not known', () => {
    const unread: BaselineObject = { ...UNREAD, unread: 'EACCES' };
    assert.deepEqual(driftAt(FILE, unread, true), [{ kind: 'unknown', path: FILE.path, reason: 'EACCES' }]);
  });

  test('pair what went with the same content elsewhere, the same inode first', () => {
    const before = [FILE, { ...FILE, path: '/usr/bin/dir', inode: '13' }];
    const after = { ...FILE, path: '/usr/bin/new', inode: '13' };
    const drift = withMoves([
      ...before.flatMap((each) => driftAt(each, undefined, true)),
      ...driftAt(undefined, after, true),
    ]);
    assert.deepEqual(
      drift.map(({ kind, path }) => [kind, path]),
      [
        ['removed', '/usr/bin/ls'],
        ['moved', '/usr/bin/new'],
      ],
    );
  });

  test('pair nothing that is empty, or has another mode', () => {
    for (const other of [{ size: 0 }, { mode: 0o4755 }]) {
      const gone = driftAt({ ...FILE, ...other }, undefined, true);
      const come = driftAt(undefined, { ...FILE, size: other.size ?? 3, path: '/x' }, true);
      assert.deepEqual(
        withMoves([...gone, ...come]).map(({ kind }) => kind),
        ['removed', 'added'],
      );
    }
  });
});

describe('severityOf', () => {
  const [added] = driftAt(undefined, FILE, true);
  const [setUid] = driftAt(undefined, { ...FILE, mode: 0o4755 }, true);
  const cases: readonly (readonly [string, Drift | undefined, Severity])[] = [
    ['changed content', changed({ digest: OTHER }), 'high'],
    ['a changed mode', changed({ mode: 0o777 }), 'high'],
    ['a changed capability', changed({ xattrs: [['security.capability', '00']] }), 'high'],
    ['a changed comment', changed({ xattrs: [['user.comment', '00']] }), 'medium'],
    ['a touched file', changed({ mtime: '1700000009.000000000' }), 'low'],
    ['a new file', added, 'medium'],
    ['a new set-uid file', setUid, 'high'],
  ];
  for (const [name, drift, severity] of cases) {
    test(`calls ${name} ${severity}, where nothing explains it`, () => {
      assert.ok(drift !== undefined);
      assert.equal(severityOf(drift, undefined), severity);
    });
  }
});

describe('explanation', () => {
  const action = { verb: 'upgrade', from: '1', to: '2', time: '2026-11-22 08:00:00' } as const;
  const facts: PackageFacts = {
    package: 'coreutils',
    version: '2',
    isConfiguration: false,
    digest: 'md5:aa',
    actualDigest: 'md5:aa',
  };
  const content = changed({ digest: OTHER });

  test('is an upgrade where the content is the package’s', () => {
    const reason = explanation(content, { ...facts, action });
    assert.equal(reason.explains, true);
    assert.match(reason.sentence, /coreutils upgraded 1 -> 2 at 2026-11-22 08:00:00 explains it; .* by MD5/);
    assert.equal(severityOf(content, reason), 'low');
  });

  test('is none where the content is not the package’s, upgrade or not', () => {
    for (const more of [{}, { action }]) {
      const reason = explanation(content, { ...facts, ...more, actualDigest: 'md5:bb' });
      assert.deepEqual([reason.explains, reason.content], [false, 'foreign']);
      assert.equal(severityOf(content, reason), 'critical');
    }
  });

  test('is none without anything that happened, or for what packages do not bring', () => {
    assert.equal(explanation(content, facts).explains, false);
    const attribute = changed({ xattrs: [['security.capability', '00']] });
    for (const more of [attribute, changed({ mode: 0o4755 }), changed({ uid: 1 })]) {
      assert.equal(explanation(more, { ...facts, action }).explains, false);
    }
  });

  test('is none for a link, whose target no package vouches for, but an upgrade makes it less grave', () => {
    const link: BaselineObject = { ...UNREAD, type: 'link', target: 'a' };
    const drift = changed({ target: 'b' }, link);
    const { digest, actualDigest, ...unknown } = { ...facts, action };
    assert.ok(digest === actualDigest);
    const reason = explanation(drift, unknown);
    assert.deepEqual(
      [reason.explains, severityOf(drift, reason), severityOf(drift, undefined)],
      [false, 'medium', 'high'],
    );
  });

  test('is none for a configuration file, which people change', () => {
    const reason = explanation(content, { ...facts, action, isConfiguration: true, actualDigest: 'md5:bb' });
    assert.deepEqual([reason.explains, reason.content], [false, 'configuration']);
  });

  const time = '2026-11-22 08:00:00';
  const ACTIONS = {
    install: { action: { verb: 'install', to: '2', time }, said: `package coreutils 2 installed at ${time}` },
    upgrade: { action, said: `package coreutils upgraded 1 -> 2 at ${time}` },
    remove: { action: { verb: 'remove', from: '1', time }, said: `package coreutils removed at ${time}` },
    purge: { action: { verb: 'purge', from: '1', time }, said: `package coreutils purged at ${time}` },
  } as const;
  const KINDS: readonly (readonly [string, Drift, readonly (keyof typeof ACTIONS)[]])[] = [
    ['a new file with the package’s content', { kind: 'added', path: FILE.path, after: FILE }, ['install', 'upgrade']],
    ['a new set-id file', { kind: 'added', path: FILE.path, after: { ...FILE, mode: 0o4755 } }, []],
    [
      'a new file with attributes',
      { kind: 'added', path: FILE.path, after: { ...FILE, xattrs: [['security.ima', '00']] } },
      [],
    ],
    ['a new link', { kind: 'added', path: FILE.path, after: { ...UNREAD, type: 'link', target: 'a' } }, []],
    ['a file that went away', { kind: 'removed', path: FILE.path, before: FILE }, ['upgrade', 'remove', 'purge']],
    ['what could not be read', { kind: 'unknown', path: FILE.path, reason: 'EACCES' }, []],
  ];
  for (const [name, drift, explaining] of KINDS) {
    test(`of ${name} is ${explaining.join(', ') || 'nothing that happens to a package'}`, () => {
      for (const [verb, { action: done, said }] of Object.entries(ACTIONS)) {
        const { explains, sentence } = explanation(drift, { ...facts, action: done });
        assert.equal(
          explains,
          explaining.some((each) => each === verb),
          verb,
        );
        assert.ok(sentence.includes(said), sentence);
      }
    });
  }

  test('is none for content of which the package has no MD5', () => {
    const { digest, actualDigest, ...unknown } = facts;
    assert.deepEqual([digest, actualDigest], ['md5:aa', 'md5:aa']);
    assert.equal(explanation(content, { ...unknown, action }).explains, false);
  });
});

describe('the database of dpkg', () => {
  test('gives packages with versions and configuration files', () => {
    const text = `Package: a
Status: install ok installed
Architecture: amd64
Version: 1:2-3
Conffiles:
 /etc/a b.conf 0123456789abcdef0123456789abcdef
 /etc/old 0123456789abcdef0123456789abcdef obsolete
Description: x
 Package: b

Package: c
Status: deinstall ok config-files
`;
    const [a, c, ...more] = parseDpkgStatus(text);
    assert.deepEqual(a?.conffiles, ['/etc/a b.conf', '/etc/old']);
    assert.deepEqual([a?.version, a?.installed, c?.name, c?.installed], ['1:2-3', true, 'c', false]);
    assert.deepEqual(more, []);
  });

  test('gives what happened to packages, and passes over all else', () => {
    const text = `2026-11-22 08:00:00 startup archives unpack
2026-11-22 08:00:01 upgrade a:amd64 1 2
2026-11-22 08:00:02 status half-configured a:amd64 1
2026-11-22 08:00:03 install b:all <none> 3
garbage
`;
    assert.deepEqual(
      [...parseDpkgLog(text)],
      [
        { time: '2026-11-22 08:00:01', verb: 'upgrade', name: 'a', architecture: 'amd64', from: '1', to: '2' },
        { time: '2026-11-22 08:00:03', verb: 'install', name: 'b', architecture: 'all', to: '3' },
      ],
    );
  });

  test('gives digests and diversions', () => {
    const md5 = '0123456789abcdef0123456789abcdef';
    assert.deepEqual([...parseMd5sums(`${md5}  usr/bin/a b\nx\n`)], [['/usr/bin/a b', md5]]);
    assert.deepEqual(
      [...parseDiversions('/bin/sh\n/bin/sh.distrib\ndash\n/a\n/b\n:\n')],
      [
        { from: '/bin/sh', to: '/bin/sh.distrib', by: 'dash' },
        { from: '/a', to: '/b' },
      ],
    );
  });
});
