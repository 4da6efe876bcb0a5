import fc from 'fast-check';
import { debianOptions, parseKernelVersion, type KernelProfile } from '@assay/core/policy';

/** Every hash algorithm that 6.12 implements, modsig, no labels, a custom policy active. */
export const OPTIONS_6_12: KernelProfile = {
  name: '6.12 with options',
  version: { major: 6, minor: 12 },
  modsig: true,
  keyMeasurement: true,
  labels: 'none',
  algorithms: (
    'md4 md5 sha1 rmd160 sha224 sha256 sha384 sha512 wp256 wp384 wp512 sm3 ' +
    'streebog256 streebog512 sha3-256 sha3-384 sha3-512'
  ).split(' '),
  customPolicyActive: true,
};

export function debian(release: string): KernelProfile {
  const version = parseKernelVersion(release);
  return { name: release, version, ...debianOptions(version) };
}

const ACTIONS = ['measure', 'dont_measure', 'appraise', 'dont_appraise', 'audit', 'dont_audit', 'hash', 'dont_hash'];

/** Values on both sides of what each word takes. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  'func=': (
    'FILE_CHECK PATH_CHECK MMAP_CHECK FILE_MMAP MMAP_CHECK_REQPROT BPRM_CHECK CREDS_CHECK MODULE_CHECK FIRMWARE_CHECK ' +
    'KEXEC_KERNEL_CHECK KEXEC_INITRAMFS_CHECK KEXEC_CMDLINE POLICY_CHECK KEY_CHECK CRITICAL_DATA SETXATTR_CHECK POST_SETATTR file_check '
  ).split(' '),
  'mask=': ['MAY_EXEC', '^MAY_READ', '^^MAY_READ', 'MAY_READ|MAY_WRITE', 'may_read'],
  'fsmagic=': ['0', '0x9fa0', '61267', '+0X1', 'zz', '0x', 'f'.repeat(16), `1${'0'.repeat(16)}`],
  'fsname=': ['ext4', 'x'.repeat(64), ''],
  'fs_subtype=': ['sshfs', ''],
  'fsuuid=': ['00000000-0000-0000-0000-000000000000', '03251FA2-e646-4ce2-8052-58d77f705287x', '03251fa2'],
  'keyrings=': ['.ima', '.ima|.evm', '|.ima', ''],
  'label=': ['selinux', 'a|b', 'a||b'],
  'pcr=': ['0', '63', '64', '-0', '-1', '+7', '0x0a'],
  'template=': ['ima', 'd-ng|n-ng', 'ima-sigv2', 'ima-modsig', 'nosuch'],
  'appraise_type=': ['imasig', 'imasig|modsig', 'sigv3', 'modsig', ''],
  'appraise_flag=': ['check_blacklist', 'x', ''],
  'appraise_algos=': ['sha256', 'sha512,sha256', 'sha256,', 'tgr192', 'SHA256'],
  'digest_type=': ['verity', 'ima'],
  'subj_user=': ['a', ''],
  'obj_type=': ['a'],
  permit_directio: [''],
};

const IDS = ['0', '010', '+5', '-1', '4294967294', '4294967295', '4294967296', '9'.repeat(20), '9'.repeat(30), '='];

const id = fc
  .tuple(
    fc.constantFrom('uid', 'euid', 'gid', 'egid', 'fowner', 'fgroup'),
    fc.constantFrom('=', '<', '>'),
    fc.constantFrom(...IDS),
  )
  .map((parts) => parts.join(''));

const word = fc.oneof(
  { weight: 1, arbitrary: id },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(...Object.entries(WORDS))
      .chain(([name, values]) => fc.constantFrom(...values).map((value) => name + value)),
  },
);

/** Rules near the edges of the grammar, about a tenth of which a kernel accepts. */
export const policyRule: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...ACTIONS),
    fc.array(word, { maxLength: 4 }),
    fc.constantFrom('', '', '', ' # why', ' measure'),
    fc.constantFrom(' ', '\t', '  '),
    fc.boolean(),
  )
  .map(([action, words, tail, blank, actionFirst]) =>
    (actionFirst ? [action, ...words] : [...words, action]).join(blank).concat(tail),
  );

export const kernel: fc.Arbitrary<KernelProfile> = fc.oneof(
  fc.constantFrom('5.4', '5.10', '5.15', '6.1', '6.6', '6.12', '6.14', '6.19', '7.0', '7.1', '7.2').map(debian),
  fc.constant(OPTIONS_6_12),
  fc.constant({ ...OPTIONS_6_12, labels: 'selinux' as const, version: { major: 7, minor: 2 } }),
);
