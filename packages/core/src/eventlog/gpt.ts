import { ByteReader } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { guidText } from './guid.ts';
import { length64, utf16Text } from './variable.ts';

export interface GptPartition {
  /** Text of the GUIDs. */
  readonly type: string;
  readonly id: string;
  readonly name: string;
  /** Logical blocks, both included. */
  readonly first: bigint;
  readonly last: bigint;
}

const HEADER = 92;
const SIGNATURE = 0x5452415020494645n; // "EFI PART"
const PARTITION_LIMIT = 1024n;
const ENTRY = 128;

/** UEFI_GPT_DATA (PC Client Platform Firmware Profile, section 10.4.4). @throws FormatError EVENTLOG-DATA, BYTES-* */
export function parseGpt(bytes: Uint8Array): { disk: string; partitions: GptPartition[] } {
  const reader = new ByteReader(bytes, 'GPT event', { littleEndian: true });
  const header = new ByteReader(reader.take(HEADER, 'UEFIPartitionHeader'), 'GPT header', { littleEndian: true });
  if (header.u64('Signature') !== SIGNATURE) throw new FormatError('EVENTLOG-DATA', 'GPT header: wrong signature');
  const disk = guidText(header.bytes.subarray(56, 72));
  const size = new ByteReader(header.bytes, 'GPT header', { littleEndian: true, offset: 84 }).u32(
    'SizeOfPartitionEntry',
  );
  const count = length64(reader, 'NumberOfPartitions', PARTITION_LIMIT);
  if (size < ENTRY) throw new FormatError('EVENTLOG-DATA', `GPT header: partition entries of ${size} bytes`);
  const partitions = Array.from({ length: count }, () => partitionOf(reader.take(size, 'Partitions')));
  reader.end();
  return { disk, partitions };
}

function partitionOf(bytes: Uint8Array): GptPartition {
  const blocks = new ByteReader(bytes, 'GPT partition', { littleEndian: true, offset: 32 });
  const first = blocks.u64('StartingLBA');
  const last = blocks.u64('EndingLBA');
  const name = utf16Text(bytes.subarray(56, ENTRY)).replace(/\0.*$/s, '');
  return { type: guidText(bytes), id: guidText(bytes.subarray(16)), name, first, last };
}
