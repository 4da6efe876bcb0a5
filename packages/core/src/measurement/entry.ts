import type { HashName } from '../hash/index.ts';

/** Order of multi-byte integers: that of the machine whose kernel wrote the list (ima_canonical_fmt: little). */
export type ByteOrder = 'little' | 'big';

/** What a digest may be of (`FileDigest`), by the number that it has in our own encodings. */
export const DIGEST_TYPES = [undefined, 'ima', 'verity'] as const;

/** A file or buffer digest with the algorithm that its field names. */
export interface FileDigest {
  readonly algorithm: HashName;
  readonly value: Uint8Array;
  /** Of `d-ngv2`: what was digested, the file's bytes or its fs-verity descriptor. Absent in the other digest fields. */
  readonly type?: 'ima' | 'verity';
}

/** Decoded template data; which members are there depends on the template. A field that the kernel left empty is absent. */
export interface EntryFields {
  /** `d`, `d-ng` or `d-ngv2` */
  readonly digest?: FileDigest;
  /** `n` or `n-ng`: path or event name without its NUL; any bytes but NUL, not necessarily UTF-8. */
  readonly name?: Uint8Array;
  /** `sig`: the whole `security.ima` or `security.evm` value; empty when the file has no signature. */
  readonly signature?: Uint8Array;
  /** `evmsig`: the whole `security.evm` value if it is a portable signature; else empty. */
  readonly evmSignature?: Uint8Array;
  /** `d-modsig`: digest of the file without its appended signature. */
  readonly modsigDigest?: FileDigest;
  /** `modsig`: the appended signature, PKCS#7 in DER. */
  readonly modsig?: Uint8Array;
  /** `buf`: the measured buffer. */
  readonly buffer?: Uint8Array;
  /** `iuid` and `igid`: owner of the inode in the initial user namespace. */
  readonly uid?: number;
  readonly gid?: number;
  /** `imode`: type and permission bits of the inode. */
  readonly mode?: number;
  /** `xattrnames`, `xattrlengths` (bytes of each value) and `xattrvalues` (all values, one after the other). */
  readonly xattrNames?: readonly string[];
  readonly xattrLengths?: readonly number[];
  readonly xattrValues?: Uint8Array;
}

/** What an entry's template data belong to. */
export interface TemplateContent {
  /** Template name, or the format string of a custom template. */
  readonly template: string;
  readonly templateData: Uint8Array;
  /** Order of the integers in it; `little` when absent. */
  readonly byteOrder?: ByteOrder;
}

/** What a list record says, without its place in a list. */
export interface EntryContent extends TemplateContent {
  readonly pcr: number;
  /** Template digest as recorded, in the bank of its list; all zero for a violation. */
  readonly templateDigest: Uint8Array;
}

/** One parsed record of a binary measurement list. Parsed only: nothing in it is proved. */
export interface MeasurementEntry extends EntryContent {
  /** Place in the list, from 1. */
  readonly number: number;
  /** Byte of the list where the record begins, and its length. */
  readonly offset: number;
  readonly length: number;
  readonly fields: EntryFields;
  /** The kernel recorded that the file could not be measured reliably (ToMToU or open writers). */
  readonly violation: boolean;
}
