import { concat, equalBytes } from '@assay/core/bytes';
import { IMA_PCR, type KeptState, type VerifiedEvidence } from '@assay/core/evidence';
import type { RoundRow } from '../store/schema.ts';

/** PCR 0 to 9 are what boot_aggregate covers, PCR 10 is the list's, PCR 11 to 15 are loaders' and the system's. */
export const LAST_QUOTED_PCR = 15;
const BOOT_PCRS = 10;
const PCR_SIZE = 32;

/** What a quote must cover, exactly: those from 0 to `last`. */
export function selectionTo(last: number): { bank: 'sha256'; pcrs: number[] } {
  return { bank: 'sha256', pcrs: Array.from({ length: last + 1 }, (_, pcr) => pcr) };
}

/** What the newest verified quote of a host showed, and where its next evidence continues. */
export interface Kept {
  readonly at: Date;
  readonly state: KeptState;
  /** Values of the SHA-256 bank by index. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
}

/** Null before the first evidence of an attestation key. */
export function keptOf(row: RoundRow): Kept | null {
  const { evidence_at: at, reset_count: resetCount, restart_count: restartCount, clock, entries, bytes, pcrs } = row;
  if (at === null || resetCount === null || restartCount === null || clock === null) return null;
  if (entries === null || bytes === null || pcrs === null) return null;
  const values = pcrsIn(pcrs);
  const firmware = row.firmware === null ? {} : { firmwareVersion: BigInt(row.firmware) };
  const pcr = values.get(IMA_PCR) ?? new Uint8Array();
  const state = { resetCount, restartCount, clock: BigInt(clock), entries, bytes, pcr, ...firmware };
  return { at: new Date(at), state, pcrs: values };
}

/** Values that were joined, from PCR 0 on. */
export function pcrsIn(joined: Uint8Array): Map<number, Uint8Array> {
  const count = joined.length / PCR_SIZE;
  return new Map(
    Array.from({ length: count }, (_, pcr) => [pcr, joined.subarray(pcr * PCR_SIZE, (pcr + 1) * PCR_SIZE)]),
  );
}

/** As `pcrsIn` reads them. */
export function joinedPcrs({ pcrs }: Pick<VerifiedEvidence, 'pcrs'>): Uint8Array {
  return concat(Array.from({ length: pcrs.size }, (_, pcr) => pcrs.get(pcr) ?? new Uint8Array(PCR_SIZE)));
}

/** Whether the PCRs that a boot fills have the values that they had in the round before. */
export function sameBootPcrs({ pcrs }: Pick<RoundRow, 'pcrs'>, evidence: Pick<VerifiedEvidence, 'pcrs'>): boolean {
  if (pcrs === null) return false;
  const ofBoot = BOOT_PCRS * PCR_SIZE;
  return equalBytes(pcrs.subarray(0, ofBoot), joinedPcrs(evidence).subarray(0, ofBoot));
}

/** What is kept of evidence that holds. The list was replayed to PCR 10, so that value stands among the quoted ones. */
export function keptColumns(
  evidence: VerifiedEvidence,
  at: string,
): Omit<RoundRow, 'host' | 'challenges' | 'refused' | 'proof' | 'boot_log'> {
  const { state } = evidence;
  return {
    evidence_at: at,
    reset_count: state.resetCount,
    restart_count: state.restartCount,
    clock: String(state.clock),
    firmware: state.firmwareVersion === undefined ? null : String(state.firmwareVersion),
    entries: state.entries,
    bytes: state.bytes,
    pcrs: joinedPcrs(evidence),
  };
}
