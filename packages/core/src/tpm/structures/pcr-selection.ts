import { FormatError } from '../../errors/index.ts';
import { hashOfTpmId, type HashName } from '../../hash/index.ts';
import { encode, listOf, record, u16, type Codec } from '../codec.ts';
import { PCR_COUNT } from '../constants.ts';
import { hashId } from './algorithms.ts';

/** PCRs of one bank. */
export interface PcrSelection {
  readonly bank: HashName;
  /** 0-23, ascending when parsed. */
  readonly pcrs: readonly number[];
}

/** As a TPM lists its banks: one of them may be of an algorithm that Assay does not know. */
export interface PcrBank {
  readonly algorithm: number;
  readonly pcrs: readonly number[];
}

const MASK_SIZE = PCR_COUNT / 8;
/** TPM2_NUM_PCR_BANKS is at most 16 in all implementations. */
const MAX_BANKS = 16;

/** TPMS_PCR_SELECT: the bit of PCR n is bit n % 8 of byte n / 8 (TPM 2.0 Part 2, clause 10.5). */
const mask: Codec<readonly number[]> = {
  read(r, field) {
    const offset = r.offset;
    const size = r.u8(field);
    if (size !== MASK_SIZE) {
      throw new FormatError('TPM-STRUCTURE', `a mask of PCRs has ${size} bytes, not ${MASK_SIZE}`, { offset, field });
    }
    const pcrs: number[] = [];
    for (let first = 0; first < PCR_COUNT; first += 8) {
      for (let bits = r.u8(field), pcr = first; bits !== 0; bits >>= 1, pcr++) if ((bits & 1) !== 0) pcrs.push(pcr);
    }
    return pcrs;
  },
  write(w, pcrs) {
    const bytes = new Uint8Array(MASK_SIZE);
    for (const pcr of pcrs) setBit(bytes, pcr);
    w.u8(MASK_SIZE).bytes(bytes);
  },
};

function setBit(bytes: Uint8Array, pcr: number): void {
  if (!Number.isInteger(pcr) || pcr < 0 || pcr >= PCR_COUNT) {
    throw new FormatError('TPM-STRUCTURE', `there is no PCR ${pcr}`);
  }
  bytes[pcr >> 3] = (bytes[pcr >> 3] ?? 0) | (1 << (pcr & 7));
}

const selection: Codec<PcrSelection> = record({ bank: hashId, pcrs: mask });
const bank: Codec<PcrBank> = record({ algorithm: u16, pcrs: mask });

/** TPML_PCR_SELECTION of banks that Assay knows. */
export const pcrSelections: Codec<readonly PcrSelection[]> = listOf(selection, MAX_BANKS);

/** TPML_PCR_SELECTION of any banks. */
export const pcrBanks: Codec<readonly PcrBank[]> = listOf(bank, MAX_BANKS);

/**
 * TPML_PCR_SELECTION.
 * @throws FormatError TPM-STRUCTURE for a PCR that no TPM has
 */
export function encodePcrSelections(selections: readonly PcrSelection[]): Uint8Array<ArrayBuffer> {
  return encode(pcrSelections, selections);
}

/** Names of the banks that hold `pcr` and whose algorithm Assay knows, in the TPM's order. */
export function knownBanks(banks: readonly PcrBank[], pcr: number): HashName[] {
  return banks.filter((entry) => entry.pcrs.includes(pcr)).flatMap((entry) => knownHash(entry.algorithm));
}

function knownHash(algorithm: number): HashName[] {
  try {
    return [hashOfTpmId(algorithm).name];
  } catch (error) {
    if (error instanceof FormatError) return []; // A SHA-3 bank, for example: it is there and of no use here.
    throw error;
  }
}
