import type { HashName } from '../hash/index.ts';

/** One record of a boot event log. Only `pcr` and `digests` can be proved, by replay; `type` and `data` are claims. */
export interface BootEvent {
  /** From 1; the Spec ID record of a crypto-agile log counts. */
  readonly number: number;
  /** Of the record, in bytes from the start of the log. */
  readonly offset: number;
  readonly pcr: number;
  readonly type: number;
  /** What was extended, by bank; digests of algorithms that Assay does not know are passed over. */
  readonly digests: ReadonlyMap<HashName, Uint8Array>;
  readonly data: Uint8Array;
}

/** TCG_EfiSpecIdEvent (PC Client Platform Firmware Profile, section 10.4.5.1). */
export interface SpecId {
  /** 0 client, 1 server. */
  readonly platformClass: number;
  /** Major, minor, errata. */
  readonly version: readonly [number, number, number];
  /** Size of UINTN in the firmware: 1 for 32 bits, 2 for 64. */
  readonly uintnSize: number;
  readonly algorithms: readonly DeclaredAlgorithm[];
  readonly vendorInfo: Uint8Array;
}

export interface DeclaredAlgorithm {
  /** TPM_ALG_ID. */
  readonly id: number;
  /** Bytes. */
  readonly digestSize: number;
  /** Absent for an algorithm that Assay does not know; its digests are skipped by their size. */
  readonly name?: HashName;
}

export interface ParsedEventLog {
  readonly format: 'tpm1.2' | 'crypto-agile';
  /** Present in a crypto-agile log. */
  readonly specId?: SpecId;
  /** Declared banks that Assay knows, in the order of the log. */
  readonly banks: readonly HashName[];
  readonly events: readonly BootEvent[];
  /** Locality of TPM2_Startup as the log claims it: PCR 0 starts at this number. */
  readonly startupLocality: StartupLocality;
  /** Bytes of padding after the last record. */
  readonly padding: number;
}

export type StartupLocality = 0 | 3 | 4;
