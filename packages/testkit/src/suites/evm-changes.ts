import fc from 'fast-check';
import { concat } from '@assay/core/bytes';

const OWNERS = [0, 1, 1000, 65_534, 0xffff_fffe];
const MODES = [0o600, 0o644, 0o755, 0o4755, 0o2711, 0o7777, 0];

const bytesOf = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size });
const anyBytes = fc.uint8Array({ minLength: 1, maxLength: 60 });

/** VFS_CAP_REVISION_2 (include/uapi/linux/capability.h). */
const capability = bytesOf(16).map((sets) => concat([Uint8Array.of(1, 0, 0, 2), sets.fill(0, 12)]));
const label = fc.oneof(
  bytesOf(32).map((digest) => concat([Uint8Array.of(4, 4), digest])),
  bytesOf(20).map((digest) => concat([Uint8Array.of(1), digest])),
  bytesOf(96).map((signature) => concat([Uint8Array.of(3, 2, 4, 1, 2, 3, 4, 0, 96), signature])),
);

/** Those that EVM protects, one that Debian's kernels do not enable, and one that it never protects. */
const VALUES: Readonly<Record<string, fc.Arbitrary<Uint8Array>>> = {
  'security.ima': label,
  'security.capability': capability,
  'security.selinux': anyBytes,
  'security.apparmor': anyBytes,
  'security.SMACK64': anyBytes,
  'user.note': anyBytes,
};
const NAMES = Object.keys(VALUES);

type Words = readonly string[];

const set = fc
  .constantFrom(...NAMES, 'security.ima')
  .chain((name) => (VALUES[name] ?? anyBytes).map((value): Words => ['set', name, Buffer.from(value).toString('hex')]));

const change: fc.Arbitrary<Words> = fc.oneof(
  { weight: 4, arbitrary: set },
  { weight: 1, arbitrary: fc.constantFrom(...NAMES).map((name): Words => ['remove', name]) },
  { weight: 2, arbitrary: fc.constantFrom(...MODES).map((mode): Words => ['chmod', mode.toString(8)]) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...OWNERS), fc.constantFrom(...OWNERS)).map(([uid, gid]): Words => {
      return ['chown', String(uid), String(gid)];
    }),
  },
  { weight: 1, arbitrary: fc.constant<Words>(['write']) },
);

const life = fc.array(change, { minLength: 4, maxLength: 12 }).map((rest): Words[] => [['create'], ...rest]);

/** What happens to each of some files, change by change: its number, then the words of the change. */
export function evmChanges(seed: number, files: number): string[] {
  const lives = fc.sample(life, { seed, numRuns: files });
  return lives.flatMap((changes, index) => changes.map((words) => [index, ...words].join('\t')));
}
