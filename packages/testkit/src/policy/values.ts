import fc from 'fast-check';

/** Values of one word: those that some kernel takes, and those beside them. */
interface Values {
  readonly good: fc.Arbitrary<string>;
  readonly edge: fc.Arbitrary<string>;
}

const FUNCTIONS_OF_FILES =
  'FILE_CHECK MMAP_CHECK MMAP_CHECK_REQPROT BPRM_CHECK CREDS_CHECK FIRMWARE_CHECK POLICY_CHECK';
const OLD_FUNCTIONS = 'PATH_CHECK FILE_MMAP';
const FUNCTIONS_WITH_MODSIG = 'MODULE_CHECK KEXEC_KERNEL_CHECK KEXEC_INITRAMFS_CHECK';
const FUNCTIONS_OF_BUFFERS = 'KEXEC_CMDLINE KEY_CHECK CRITICAL_DATA SETXATTR_CHECK';

export const FUNCTIONS: readonly string[] = words(
  `${FUNCTIONS_OF_FILES} ${OLD_FUNCTIONS} ${FUNCTIONS_WITH_MODSIG} ${FUNCTIONS_OF_BUFFERS}`,
);

const HASHES = words(
  'md4 md5 sha1 rmd160 sha256 sha384 sha512 sha224 wp256 wp384 wp512 sm3 streebog256 streebog512 ' +
    'sha3-256 sha3-384 sha3-512',
);
/** Names in the kernel's table whose implementations it does not have, or has no longer. */
const HASHES_WITHOUT_CODE = words('rmd128 rmd256 rmd320 tgr128 tgr160 tgr192');

const TEMPLATES = words('ima ima-ng ima-sig ima-ngv2 ima-sigv2 ima-buf ima-modsig evm-sig');
const FORMATS = words('d|n d-ng|n-ng d-ng|n-ng|sig d-ngv2|n-ng d-ngv2|n-ng|sig d-ng|n-ng|buf');

/** Numbers of 64 bits or fewer in base 16, in the forms that kstrtoul takes. */
const hexadecimal = fc
  .tuple(
    fc.constantFrom('', '', '0x', '0X', '+', '+0x', '00'),
    fc.oneof(
      fc.constantFrom(0n, 1n, 0xffff_ffffn, 0x1_0000_0000n, 0xffff_ffff_ffff_ffffn),
      fc.bigInt(0n, 0xffff_ffffn),
    ),
    fc.boolean(),
  )
  .map(([prefix, number, capitals]) => prefix + (capitals ? number.toString(16).toUpperCase() : number.toString(16)));

const identifier = fc
  .tuple(
    fc.constantFrom('', '', '', '+', '0', '+00'),
    fc.oneof(fc.constantFrom(0, 1, 1000, 65_534, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe), fc.nat(0xffff_fffe)),
  )
  .map(([prefix, number]) => `${prefix}${number}`);

const badNumber = anyOf(
  ' -1 -0 ++1 + +-1 0x 0x10 1_0 1.0 1,2 4294967295 4294967296 root 0b1 =1 18446744073709551615 18446744073709551616 ' +
    `99999999999999999999 ${'9'.repeat(40)} ${'0'.repeat(40)}1`,
);

const badHexadecimal = anyOf(
  ` 0x 0xx1 x1 -1 ++1 g 1g 1h 0x1. 0o7 EXT4_SUPER_MAGIC ${'f'.repeat(16)} 1${'0'.repeat(16)} ${'f'.repeat(17)} ` +
    `${'f'.repeat(17)}g ${'0'.repeat(30)}1`,
);

const name = fc.string({ unit: anyOf('a b z 0 9 _ - . : , @ / + %'), minLength: 1, maxLength: 12 });
const list = (separator: string): fc.Arbitrary<string> =>
  fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join(separator));
const badList = fc.constantFrom('', '|', '|a', 'a|', 'a||b', '||', 'a|b|');

const uuid = fc
  .tuple(fc.uuid(), fc.constantFrom('', '', '', 'x', '-', '0'), fc.boolean())
  .map(([text, behind, capitals]) => (capitals ? text.toUpperCase() : text) + behind);
const NIL = '00000000-0000-0000-0000-000000000000';
const badUuid = anyOf(
  ` ${NIL.slice(1)} ${NIL.replaceAll('-', '')} {${NIL}} ${NIL.replaceAll('-', '_')} ${NIL.slice(0, -1)}g 0x${NIL} ` +
    'LABEL=root 0000000-00000-0000-0000-000000000000',
);

const label: Values = {
  good: fc.constantFrom('unconfined', 'a', '_', 'etc_t', 'system_u'),
  edge: anyOf(' |'),
};
const id: Values = { good: identifier, edge: badNumber };

/** By the name of the word, without an operator. */
export const VALUES: Readonly<Record<string, Values>> = {
  func: {
    good: fc.constantFrom(...FUNCTIONS),
    edge: anyOf(' POST_SETATTR NONE file_check FILE_CHECK|BPRM_CHECK FILE_CHECK# FILE MAX_CHECK'),
  },
  mask: {
    good: fc.constantFrom(...['MAY_EXEC', 'MAY_WRITE', 'MAY_READ', 'MAY_APPEND'].flatMap((mask) => [mask, `^${mask}`])),
    edge: anyOf(' ^ ^^MAY_READ MAY_READ|MAY_WRITE may_read MAY_READ^ !MAY_READ 4 MAY_OPEN'),
  },
  fsmagic: { good: hexadecimal, edge: badHexadecimal },
  fsname: {
    good: fc.oneof(fc.constantFrom('ext4', 'tmpfs', 'x'.repeat(63), 'x'.repeat(64)), name),
    edge: fc.constant(''),
  },
  fs_subtype: { good: fc.oneof(fc.constantFrom('sshfs', 'y'.repeat(64)), name), edge: fc.constant('') },
  fsuuid: { good: fc.oneof(uuid, fc.constant(NIL)), edge: badUuid },
  uid: id,
  euid: id,
  gid: id,
  egid: id,
  fowner: id,
  fgroup: id,
  subj_user: label,
  subj_role: label,
  subj_type: label,
  obj_user: label,
  obj_role: label,
  obj_type: label,
  pcr: {
    good: fc.oneof(fc.constantFrom('0', '10', '63', '+7', '-0', '007'), fc.nat(23).map(String)),
    edge: fc.oneof(fc.constantFrom('64', '-1', '2147483648', '-2147483649', '4294967306'), badNumber),
  },
  template: {
    good: fc.constantFrom(...TEMPLATES, ...FORMATS),
    edge: anyOf(' ima-sigv3 IMA-NG d-ng n-ng|d-ng d-ng|n-ng| |d-ng|n-ng ima-ng|sig nosuch'),
  },
  keyrings: {
    good: fc.oneof(fc.constantFrom('.ima', '.ima|.evm', '.builtin_trusted_keys', '.ima,.evm'), list('|')),
    edge: badList,
  },
  label: {
    good: fc.oneof(fc.constantFrom('selinux', 'kexec_metadata', 'device_mapper|selinux'), list('|')),
    edge: badList,
  },
  appraise_type: {
    good: fc.constantFrom('imasig', 'imasig|modsig', 'sigv3'),
    edge: anyOf(' modsig modsig|imasig IMASIG imasig| sigv2 meta_immutable imasig|sigv3'),
  },
  appraise_flag: {
    good: fc.constantFrom('check_blacklist', 'no_blacklist_at_all'),
    edge: anyOf(' x BLACKLIST'),
  },
  appraise_algos: {
    good: fc.subarray(HASHES, { minLength: 1, maxLength: 5 }).map((names) => names.join(',')),
    edge: fc.oneof(
      fc.constantFrom('', ',', 'sha256,', ',sha256', 'sha256,,sha512', 'SHA256', 'sha-256', 'sha256|sha512', 'crc32'),
      fc.constantFrom(...HASHES_WITHOUT_CODE),
    ),
  },
  digest_type: { good: fc.constant('verity'), edge: anyOf(' ima VERITY verity|ima fsverity') },
};

export function words(text: string): string[] {
  return text.split(' ');
}

/** One of the words of a text; a blank in front of the first one stands for an empty word. */
export function anyOf(text: string): fc.Arbitrary<string> {
  return fc.constantFrom(...words(text));
}
