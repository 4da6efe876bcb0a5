import type { HashName } from '../hash/index.ts';

/** A file or buffer digest with the algorithm that its field names. */
export interface FileDigest {
  readonly algorithm: HashName;
  readonly value: Uint8Array;
}

/** Decoded template data; which members are there depends on the template. */
export interface EntryFields {
  /** `d-ng` */
  readonly digest?: FileDigest;
  /** `n-ng`: path or event name without its NUL; any bytes but NUL, not necessarily UTF-8. */
  readonly name?: Uint8Array;
  /** `sig`: the whole `security.ima` or `security.evm` value; empty when the file has no signature. */
  readonly signature?: Uint8Array;
  /** `buf`: the measured buffer. */
  readonly buffer?: Uint8Array;
}

/** What a list record says, without its place in a list. */
export interface EntryContent {
  readonly pcr: number;
  /** Template name, or the format string of a custom template. */
  readonly template: string;
  /** Template digest as recorded, in the bank of its list; all zero for a violation. */
  readonly templateDigest: Uint8Array;
  readonly templateData: Uint8Array;
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
