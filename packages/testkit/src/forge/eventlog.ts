import { ByteWriter, utf8 } from '@assay/core/bytes';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';

export interface ForgedEvent {
  readonly pcr: number;
  readonly type: number;
  readonly data: Uint8Array;
  /** What is hashed; the data by default. */
  readonly hashed?: Uint8Array;
  /** Bytes of the digest in every bank. */
  readonly fill?: number;
}

const BANKS: readonly HashName[] = ['sha1', 'sha256'];

export function specIdData(algorithms: readonly (readonly [id: number, size: number])[]): Uint8Array {
  const writer = little().bytes(utf8('Spec ID Event03\0')).u32(0).u8(0).u8(2).u8(0).u8(2).u32(algorithms.length);
  for (const [id, size] of algorithms) writer.u16(id).u16(size);
  return writer.u8(0).finish();
}

export function sha1Record(pcr: number, type: number, data: Uint8Array, digest = new Uint8Array(20)): Uint8Array {
  return little().u32(pcr).u32(type).bytes(digest).u32(data.length).bytes(data).finish();
}

export function agileRecord({ pcr, type, data, hashed = data, fill }: ForgedEvent): Uint8Array {
  const writer = little().u32(pcr).u32(type).u32(BANKS.length);
  for (const bank of BANKS) {
    const { tpmId = 0, size } = hashAlgorithm(bank);
    const digest = fill === undefined ? nodeHasher.digest(bank, hashed) : new Uint8Array(size).fill(fill);
    writer.u16(tpmId).bytes(digest);
  }
  return writer.u32(data.length).bytes(data).finish();
}

/** A crypto-agile log with SHA-1 and SHA-256. */
export function agileLog(events: readonly ForgedEvent[]): Uint8Array {
  const writer = little().bytes(sha1Record(0, 3, specIdData(BANKS.map((bank) => [idOf(bank), sizeOf(bank)]))));
  for (const event of events) writer.bytes(agileRecord(event));
  return writer.finish();
}

export function startupLocality(locality: number): ForgedEvent {
  return { pcr: 0, type: 3, data: little().bytes(utf8('StartupLocality\0')).u8(locality).finish(), fill: 0 };
}

export function separator(pcr: number, value = 0): ForgedEvent {
  return { pcr, type: 4, data: little().u32(value).finish() };
}

export function little(): ByteWriter {
  return new ByteWriter({ littleEndian: true });
}

function idOf(bank: HashName): number {
  return hashAlgorithm(bank).tpmId ?? 0;
}

function sizeOf(bank: HashName): number {
  return hashAlgorithm(bank).size;
}
