import { ByteWriter } from '../bytes/index.ts';
import type { BankValues } from './composite.ts';
import { DIGESTS_PER_READ } from './commands/index.ts';
import { MAX_DIGEST, PCR_COUNT } from './constants.ts';
import { tpmHashId } from './structures/algorithms.ts';
import type { PcrSelection } from './structures/pcr-selection.ts';

const BANKS = 16;
const MASK = PCR_COUNT / 8;

/**
 * PCR values as tpm2_quote writes them and tpm2_checkquote reads them: selection and digests in the C structures of
 * tpm2-tss, little-endian (tpm2-tools, lib/pcr.c, pcr_fwrite_serialized).
 * @param values hold every selected PCR
 */
export function encodeToolsPcrs(selection: readonly PcrSelection[], values: BankValues): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter({ littleEndian: true }).u32(selection.length);
  for (let i = 0; i < BANKS; i++) writer.bytes(selectionEntry(selection[i]));
  const digests = selection.flatMap(({ bank, pcrs }) =>
    pcrs.map((pcr) => values.get(bank)?.get(pcr) ?? new Uint8Array(0)),
  );
  const lists = Math.ceil(digests.length / DIGESTS_PER_READ);
  writer.u32(lists);
  for (let list = 0; list < lists; list++) {
    const some = digests.slice(list * DIGESTS_PER_READ, (list + 1) * DIGESTS_PER_READ);
    writer.u32(some.length);
    for (let i = 0; i < DIGESTS_PER_READ; i++) writer.bytes(digestEntry(some[i]));
  }
  return writer.finish();
}

/** TPMS_PCR_SELECTION with room for four bytes of mask, and one of padding. */
function selectionEntry(entry: PcrSelection | undefined): Uint8Array {
  const bytes = new Uint8Array(8);
  if (entry === undefined) return bytes;
  new DataView(bytes.buffer).setUint16(0, tpmHashId(entry.bank), true);
  bytes[2] = MASK;
  for (const pcr of entry.pcrs) bytes[3 + (pcr >> 3)] = (bytes[3 + (pcr >> 3)] ?? 0) | (1 << (pcr & 7));
  return bytes;
}

/** TPM2B_DIGEST with room for the largest. */
function digestEntry(digest: Uint8Array | undefined): Uint8Array {
  const bytes = new Uint8Array(2 + MAX_DIGEST);
  if (digest === undefined) return bytes;
  new DataView(bytes.buffer).setUint16(0, digest.length, true);
  bytes.set(digest, 2);
  return bytes;
}
