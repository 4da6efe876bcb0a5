import { ByteWriter, concat } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';

/**
 * The attributes that EVM protects, in the order in which their values are hashed (evm_main.c,
 * evm_config_default_xattrnames); names added through `evm_xattrs` follow. Which of them are enabled is an option of
 * the kernel's build, not whether its security module is active.
 */
export const EVM_XATTRS = [
  'security.selinux',
  'security.SMACK64',
  'security.SMACK64EXEC',
  'security.SMACK64TRANSMUTE',
  'security.SMACK64MMAP',
  'security.apparmor',
  'security.ima',
  'security.capability',
] as const;

/** Those of them that Debian's kernels enable. */
export const DEBIAN_EVM_XATTRS: readonly string[] = [
  'security.selinux',
  'security.apparmor',
  'security.ima',
  'security.capability',
];

/** What EVM protects of one file. Numbers are those of the file system's own user namespace, `init_user_ns`. */
export interface FileMetadata {
  /** Inode number. */
  readonly inode: bigint;
  /** As `lsattr -v` and FS_IOC_GETVERSION give it. */
  readonly generation: number;
  readonly uid: number;
  readonly gid: number;
  /** With the type of the file, as stat gives it: 0o100644. */
  readonly mode: number;
  /** Values by name, whole as the VFS gives them: of security.selinux with its final NUL, if it is stored. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

/**
 * What is put behind the values of the attributes, and of which kernel.
 * `bound`: to this inode on this file system; HMACs and signatures of type 3.
 * `portable`: signatures of type 5; all attributes of the list count, enabled or not.
 * `immutable`: evmctl's old form with the label 03 03, which no kernel checks.
 */
export type MetadataForm =
  | {
      readonly form: 'bound';
      readonly wordBits: 32 | 64;
      /** Enabled attributes, in the kernel's order. */
      readonly xattrs: readonly string[];
      /** 16 bytes of the file system's UUID; null for kernels without CONFIG_EVM_ATTR_FSUUID. */
      readonly fsUuid: Uint8Array | null;
    }
  | { readonly form: 'portable'; readonly wordBits: 32 | 64; readonly xattrs: readonly string[] }
  | { readonly form: 'immutable'; readonly xattrs: readonly string[] };

const UUID_SIZE = 16;

/**
 * The bytes that the HMAC and the signatures of EVM are over: the values of the attributes that exist, without names
 * or lengths, then struct h_misc, then the UUID (security/integrity/evm/evm_crypto.c, evm_calc_hmac_or_hash and
 * hmac_add_misc). Numbers are little-endian, as on every architecture that the distributions build for but s390x.
 *
 * @throws FormatError EVM-METADATA
 */
export function metadataInput(metadata: FileMetadata, form: MetadataForm): Uint8Array<ArrayBuffer> {
  if (form.form === 'portable' && !metadata.xattrs.has('security.ima')) {
    throw new FormatError('EVM-METADATA', 'a portable signature needs security.ima');
  }
  if (new Set(form.xattrs).size !== form.xattrs.length) {
    throw new FormatError('EVM-METADATA', 'an attribute is listed twice');
  }
  const values = form.xattrs.flatMap((name) => metadata.xattrs.get(name) ?? []);
  return concat([...values, misc(metadata, form), uuid(form)]);
}

function uuid(form: MetadataForm): Uint8Array {
  if (form.form !== 'bound' || form.fsUuid === null) return new Uint8Array(0);
  if (form.fsUuid.length !== UUID_SIZE) throw new FormatError('EVM-METADATA', 'a UUID has 16 bytes');
  return form.fsUuid;
}

/** The structure has the alignment of the architecture, and its padding is hashed too. */
function misc(metadata: FileMetadata, form: MetadataForm): Uint8Array {
  const writer = new ByteWriter({ littleEndian: true });
  if (form.form !== 'immutable') {
    const bound = form.form === 'bound';
    const inode = checked(bound ? metadata.inode : 0n, form.wordBits, 'inode');
    if (form.wordBits === 64) writer.u64(inode);
    else writer.u32(Number(inode));
    writer.u32(checkedNumber(bound ? metadata.generation : 0, 32, 'generation'));
  }
  writer.u32(checkedNumber(metadata.uid, 32, 'uid')).u32(checkedNumber(metadata.gid, 32, 'gid'));
  return writer
    .u16(checkedNumber(metadata.mode, 16, 'mode'))
    .u16(0)
    .finish();
}

function checkedNumber(value: number, bits: number, field: string): number {
  if (!Number.isInteger(value)) throw new FormatError('EVM-METADATA', `${field} is no whole number`, { field });
  return Number(checked(BigInt(value), bits, field));
}

function checked(value: bigint, bits: number, field: string): bigint {
  if (value < 0n || value >= 1n << BigInt(bits)) {
    throw new FormatError('EVM-METADATA', `${field} ${value} does not fit into ${bits} bits`, { field });
  }
  return value;
}
