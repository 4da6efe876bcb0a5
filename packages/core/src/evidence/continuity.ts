import { equalBytes } from '../bytes/index.ts';
import { VerificationError } from '../errors/index.ts';
import { emptyPcr } from '../measurement/index.ts';

/** What the verifier keeps of a host between two rounds. */
export interface KeptState {
  readonly resetCount: number;
  readonly restartCount: number;
  /** TPM clock in milliseconds. */
  readonly clock: bigint;
  /** As the TPM's maker counts; absent in a state that was kept before it was. */
  readonly firmwareVersion?: bigint;
  /** Verified entries of this boot's list, and the bytes that they take in the binary list. */
  readonly entries: number;
  readonly bytes: number;
  /** PCR 10 of the SHA-256 bank after those entries. */
  readonly pcr: Uint8Array;
}

export type Boot = 'first' | 'same' | 'new';

type TpmTime = Pick<KeptState, 'resetCount' | 'restartCount' | 'clock'>;

/**
 * Whether a quote is of the boot that the kept state is of. A TPM restart clears PCR 10 with resetCount unchanged, so
 * the pair decides; the clock may go back only across a boot (TPM 2.0 Part 1, section 36).
 * @throws VerificationError QUOTE-CLOCK-BACK
 */
export function bootOf(kept: KeptState | null, quote: TpmTime): Boot {
  if (kept === null) return 'first';
  const resets = quote.resetCount - kept.resetCount;
  const restarts = quote.restartCount - kept.restartCount;
  if (resets === 0 && restarts === 0) {
    if (quote.clock < kept.clock) throw wentBack(`its clock is ${kept.clock - quote.clock} ms behind the last quote`);
    return 'same';
  }
  if (resets < 0 || (resets === 0 && restarts < 0)) throw wentBack('its reset counters went back');
  return 'new';
}

function wentBack(what: string): VerificationError {
  return new VerificationError('QUOTE-CLOCK-BACK', `the TPM is in an older state than before: ${what}`);
}

/** Where a list begins, or where its kept part ends. */
export interface ListPosition {
  readonly entries: number;
  readonly bytes: number;
  readonly pcr: Uint8Array;
}

export const LIST_START: ListPosition = { entries: 0, bytes: 0, pcr: emptyPcr('sha256') };

/**
 * From where the entries sent are replayed: from the kept state, or from the start of the list.
 * @throws VerificationError IMA-LOG-TRIMMED when the host has nothing from there on, but from a later entry; IMA-LOG-GAP when they
 *   begin anywhere else
 */
export function positionOf(
  boot: Boot,
  kept: KeptState | null,
  list: { readonly fromEntry: number; readonly fromOffset: number; readonly trimmed?: boolean | undefined },
): ListPosition {
  if (list.fromEntry === 1 && list.fromOffset === 0) return LIST_START;
  const continues =
    boot === 'same' && kept !== null && list.fromEntry === kept.entries + 1 && list.fromOffset === kept.bytes;
  if (continues) return kept;
  throw isTrimmed(boot, kept, list) ? trimmed(boot === 'same' ? kept : null) : gap(list.fromEntry);
}

/** Where a host is asked for one of two places and sends from neither, it does not have them. */
function isTrimmed(
  boot: Boot,
  kept: KeptState | null,
  { fromEntry, fromOffset, trimmed: known }: Parameters<typeof positionOf>[2],
): boolean {
  if (fromEntry === 1 || fromOffset === 0) return false;
  if (kept === null) return true;
  if (boot === 'same') return known === true || (fromEntry > kept.entries + 1 && fromOffset > kept.bytes);
  // After a restart it is asked for its list from the start when it has gone on with that of before.
  return fromEntry !== kept.entries + 1 || fromOffset !== kept.bytes;
}

/** @param kept of this boot */
export function trimmed(kept: KeptState | null): VerificationError {
  const proved =
    kept === null
      ? 'nothing of it is proved'
      : `what is left does not continue the ${kept.entries} entries that were proved`;
  const what = `the list on the host has lost its beginning in this boot, and ${proved}; a reboot begins a new list`;
  return new VerificationError('IMA-LOG-TRIMMED', what);
}

export function gap(fromEntry: number): VerificationError {
  return new VerificationError(
    'IMA-LOG-GAP',
    `the entries sent begin at ${fromEntry}, which does not continue the list`,
  );
}

/** What came of a list in parts that are checked and not proved yet. */
export interface SentBefore {
  readonly start: ListPosition;
  readonly end: ListPosition;
  /** PCR 10 after the entries that are kept, where the parts go beyond them. */
  readonly atKept?: Uint8Array;
}

/**
 * From where the entries sent are replayed that continue such parts.
 * @throws VerificationError IMA-LOG-GAP when the parts begin where no list of this boot can, or the entries elsewhere than
 *   where the parts end; IMA-REPLAY when the parts are not what was verified before in this boot
 */
export function afterSentBefore(
  boot: Boot,
  kept: KeptState | null,
  list: { readonly fromEntry: number; readonly fromOffset: number },
  { start, end, atKept }: SentBefore,
): ListPosition {
  const begin = positionOf(boot, kept, { fromEntry: start.entries + 1, fromOffset: start.bytes });
  const continues = list.fromEntry === end.entries + 1 && list.fromOffset === end.bytes;
  if (!continues || !equalBytes(begin.pcr, start.pcr)) throw gap(list.fromEntry);
  if (boot !== 'same' || kept === null || begin.entries >= kept.entries || kept.entries > end.entries) return end;
  if (atKept === undefined) throw gap(list.fromEntry);
  if (equalBytes(atKept, kept.pcr)) return end;
  throw new VerificationError('IMA-REPLAY', 'the list begins otherwise than it did before in this boot');
}
