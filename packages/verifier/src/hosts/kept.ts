import { concat } from '@assay/core/bytes';
import { IMA_PCR, type KeptState, type VerifiedEvidence } from '@assay/core/evidence';
import type { RoundRow } from '../store/schema.ts';

/** PCR 0 to 9 are what boot_aggregate covers, PCR 10 is the list's. */
export const QUOTED_PCRS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const PCR_SIZE = 32;

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
  const values = new Map(
    QUOTED_PCRS.map((pcr, index) => [pcr, pcrs.subarray(index * PCR_SIZE, (index + 1) * PCR_SIZE)]),
  );
  const firmware = row.firmware === null ? {} : { firmwareVersion: BigInt(row.firmware) };
  const pcr = values.get(IMA_PCR) ?? new Uint8Array();
  const state = { resetCount, restartCount, clock: BigInt(clock), entries, bytes, pcr, ...firmware };
  return { at: new Date(at), state, pcrs: values };
}

/** What is kept of evidence that holds. The list was replayed to PCR 10, so that value stands among the quoted ones. */
export function keptColumns(
  { state, pcrs }: VerifiedEvidence,
  at: string,
): Omit<RoundRow, 'host' | 'challenges' | 'refused' | 'proof'> {
  return {
    evidence_at: at,
    reset_count: state.resetCount,
    restart_count: state.restartCount,
    clock: String(state.clock),
    firmware: state.firmwareVersion === undefined ? null : String(state.firmwareVersion),
    entries: state.entries,
    bytes: state.bytes,
    pcrs: concat(QUOTED_PCRS.map((pcr) => pcrs.get(pcr) ?? new Uint8Array(PCR_SIZE))),
  };
}
