import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex, utf8 } from '@assay/core/bytes';
import { bootAggregate, parseBinaryList } from '@assay/core/measurement';
import { nodeDigestSignatures, nodeHasher } from '@assay/core/node';
import { checkedReference, compileReference, emptyReference, pooled, type Pool } from '@assay/core/reference';
import { judgeEntries, type FindingDraft } from '@assay/core/verdict';
import { SimulatedList } from '@assay/testkit/evidence';

const PCRS = new Map(Array.from({ length: 11 }, (_, pcr) => [pcr, new Uint8Array(32).fill(pcr)]));
const NOW = new Date('2026-11-22T00:00:00Z');
const digest = (content: string): Uint8Array => nodeHasher.digest('sha256', utf8(content));
const text = (content: string): string => `sha256:${toHex(digest(content))}`;

function pool(kind: Pool['kind'], name: string, version: string, path: string, content: string, until?: string): Pool {
  const digests = pooled([{ digest: text(content), path }]);
  const end = until === undefined ? {} : { until };
  return { id: `${name}_${version}_${digests.length}${path.length}`, kind, name, version, ...end, digests };
}

const POOLS = [
  pool('package', 'linux-image-6.12.1', '6.12.1-1', '/usr/lib/modules/6.12.1-amd64/kernel/fs/ext4.ko.xz', 'ext4'),
  pool('package', 'openssl', '3.0.13', '/usr/bin/openssl', 'openssl 13'),
  pool('package', 'libssl3', '3.0.12', '/usr/lib/x86_64-linux-gnu/libssl.so.3', 'libssl 12', '2026-11-01T00:00:00Z'),
  pool('package', 'libssl3', '3.0.13', '/usr/lib/x86_64-linux-gnu/libssl.so.3', 'libssl 13'),
  pool('image', 'registry.example/shop', '7', '/app/shop', 'shop 7'),
].toSorted((a, b) => (a.id < b.id ? -1 : 1));

const { document } = checkedReference({ ...emptyReference('web', 1, '2026-11-22T00:00:00Z'), pools: POOLS });
const patterns = { compile: () => () => false };
const REFERENCE = compileReference(document, { hasher: nodeHasher, digestSignatures: nodeDigestSignatures, patterns });

function found(path: string, content = 'stranger'): FindingDraft | undefined {
  const list = new SimulatedList();
  list.begin(bootAggregate(nodeHasher, 'sha256', PCRS));
  list.measure(path, digest(content));
  const { entries } = parseBinaryList(list.bytes(), { bank: list.bank });
  const context = { host: 'web-01', reference: REFERENCE, bootPcrs: PCRS, hasher: nodeHasher, at: NOW };
  return judgeEntries(entries, context).at(-1)?.finding;
}

const LAYER = '9f3c0d7a61b24c55a0e2b1c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607';

describe('the first cause of a finding', () => {
  /** Path, content, what is said, how sure that is. */
  const cases: Readonly<Record<string, [path: string, content: string, cause: RegExp, confidence: string]>> = {
    'in a layer of Docker': [
      `/var/lib/docker/overlay2/${LAYER}/diff/usr/bin/x`,
      'x',
      /^It is in a layer of a container \(9f3c0d7a61b2…\)\.$/,
      'high',
    ],
    'in the root of a container of Docker': [
      `/var/lib/docker/overlay2/${LAYER}/merged/usr/bin/x`,
      'x',
      /^It is in the root of a container \(9f3c0d7a61b2…\)\.$/,
      'high',
    ],
    'in a layer of Podman': [
      `/var/lib/containers/storage/overlay/${LAYER}/diff/bin/sh`,
      'x',
      /^It is in a layer of a container/,
      'high',
    ],
    'in a layer of Podman without root': [
      `/home/ops/.local/share/containers/storage/overlay/${LAYER}/diff/bin/sh`,
      'x',
      /^It is in a layer of a container/,
      'high',
    ],
    'in a snapshot of containerd': [
      '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/41/fs/usr/bin/x',
      'x',
      /^It is in a layer of a container \(snapshot 41 of containerd\)\.$/,
      'high',
    ],
    'in the root of a container of Kubernetes': [
      `/run/containerd/io.containerd.runtime.v2.task/k8s.io/${LAYER}/rootfs/bin/x`,
      'x',
      /^It is in the root of a container \(9f3c0d7a61b2… of k8s\.io at containerd\)\.$/,
      'high',
    ],
    'of a snap': ['/snap/core22/1122/usr/bin/python3', 'x', /^It is of the snap core22, revision 1122,/, 'high'],
    'of a new kernel': [
      '/usr/lib/modules/6.12.9-amd64/kernel/fs/xfs.ko.xz',
      'x',
      /^The kernel was updated: this is a module of 6\.12\.9-amd64, the reference values have 6\.12\.1-amd64\.$/,
      'high',
    ],
    'a strange module of a known kernel': [
      '/lib/modules/6.12.1-amd64/extra/rootkit.ko',
      'x',
      /^The reference values have kernel 6\.12\.1-amd64, but no such module of it/,
      'medium',
    ],
    'a module that DKMS built': [
      '/lib/modules/6.12.1-amd64/updates/dkms/nvidia.ko',
      'x',
      /^DKMS built it on this machine for kernel 6\.12\.1-amd64/,
      'high',
    ],
    'runc in memory': ['/memfd:runc_cloned:/proc/self/exe (deleted)', 'x', /^runc ran itself/, 'medium'],
    'another program in memory': ['/memfd:x (deleted)', 'x', /^It was made in memory/, 'high'],
    'a library that an upgrade replaced while it was in use': [
      '/usr/lib/x86_64-linux-gnu/libz.so.1 (deleted)',
      'x',
      /^The file was replaced while a program had it open, as upgrades do: restart/,
      'high',
    ],
    'an old library whose pool is over': [
      '/usr/lib/x86_64-linux-gnu/libssl.so.3',
      'libssl 12',
      /^It is of libssl3 3\.0\.12, which was good until 2026-11-01T00:00:00Z\. .* restart it\.$/,
      'high',
    ],
    'a copy of what is known': ['/home/ops/openssl', 'libssl 12', /^It is of libssl3 3\.0\.12/, 'high'],
    'another digest of a package': [
      '/usr/bin/openssl',
      'openssl 14',
      /^The reference values have openssl 3\.0\.13 for it: the package was installed or upgraded since\.$/,
      'medium',
    ],
    'another version of an image': [
      '/app/shop',
      'shop 8',
      /^The reference values have registry\.example\/shop 7 for it: the container runs another version of the image\.$/,
      'medium',
    ],
    'of a build in a temporary directory': ['/tmp/go-build123/b001/exe/x', 'x', /^By its name a build/, 'low'],
  };
  for (const [what, [path, content, cause, confidence]] of Object.entries(cases)) {
    test(`that is ${what}`, () => {
      const [first] = found(path, content)?.explanation ?? [];
      assert.match(first?.cause ?? '', cause);
      assert.equal(first?.confidence, confidence);
    });
  }

  test('is never taken from a path that only resembles', () => {
    for (const path of [
      `/var/lib/docker/overlay2/short/diff/x`,
      '/snap/../1/x',
      '/lib/modules/../../tmp/x',
      '/tmp/memfd:x',
      '/home/x/memfd:runc_cloned',
    ]) {
      const causes =
        found(path)
          ?.explanation.map(({ cause }) => cause)
          .join(' ') ?? '';
      assert.doesNotMatch(causes, /container|snap|kernel|made in memory|runc/, path);
    }
  });

  test('keeps the warning that everyone may write there', () => {
    const causes = found('/tmp/go-build123/b001/exe/x')?.explanation ?? [];
    assert.match(causes[1]?.cause ?? '', /everyone may write/);
  });
});

describe('a boot_aggregate that is not of the quoted PCRs', () => {
  const judged = (list: SimulatedList): FindingDraft | undefined => {
    const { entries } = parseBinaryList(list.bytes(), { bank: list.bank });
    const context = { host: 'web-01', reference: REFERENCE, bootPcrs: PCRS, hasher: nodeHasher, at: NOW };
    return judgeEntries(entries, context).find(({ finding }) => finding?.code === 'BOOT-AGGREGATE')?.finding;
  };
  const appended = (list: SimulatedList, algorithm: 'sha1' | 'sha256'): SimulatedList => {
    const value = nodeHasher.digest(algorithm, utf8('other'));
    list.append('ima-ng', { digest: { algorithm, value }, name: utf8('boot_aggregate') });
    return list;
  };

  test('is explained by another boot', () => {
    assert.match(judged(appended(new SimulatedList(), 'sha256'))?.explanation[0]?.cause ?? '', /in another boot/);
  });

  test('is explained by kexec where it is not the first entry', () => {
    const list = new SimulatedList();
    list.begin(bootAggregate(nodeHasher, 'sha256', PCRS));
    assert.match(judged(appended(list, 'sha256'))?.explanation[0]?.cause ?? '', /started by kexec/);
  });

  test('is explained by the bank where it is of another', () => {
    const [first] = judged(appended(new SimulatedList(), 'sha1'))?.explanation ?? [];
    assert.deepEqual([first?.confidence, /the sha1 bank/.test(first?.cause ?? '')], ['high', true]);
  });
});
