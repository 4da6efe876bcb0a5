import { ByteReader } from '../bytes/index.ts';
import { length64, utf16Text } from './variable.ts';

/** UEFI_IMAGE_LOAD_EVENT (PC Client Platform Firmware Profile, section 10.2.3): where an image lay, not what it is. */
export interface LoadedImage {
  readonly address: bigint;
  /** Bytes. */
  readonly length: bigint;
  /** The file path in the device path; empty where there is none. */
  readonly path: string;
}

const PATH_LIMIT = 64n * 1024n;
/** Media device path, file path (UEFI specification, section 10.3.5.4). */
const MEDIA = 4;
const FILE_PATH = 4;

/** @throws FormatError BYTES-* */
export function parseLoadedImage(bytes: Uint8Array): LoadedImage {
  const reader = new ByteReader(bytes, 'image load event', { littleEndian: true });
  const address = reader.u64('ImageLocationInMemory');
  const length = reader.u64('ImageLengthInMemory');
  reader.u64('ImageLinkTimeAddress');
  const path = filePathIn(reader.take(length64(reader, 'LengthOfDevicePath', PATH_LIMIT), 'DevicePath'));
  return { address, length, path };
}

/** Nodes of a device path: type, subtype, length with this head. What is no node ends the path. */
function filePathIn(bytes: Uint8Array): string {
  let path = '';
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = (bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8);
    if (length < 4 || at + length > bytes.length) break;
    const isFile = bytes[at] === MEDIA && bytes[at + 1] === FILE_PATH;
    if (isFile) path += utf16Text(bytes.subarray(at + 4, at + length)).replace(/\0+$/, '');
    at += length;
  }
  return path;
}
