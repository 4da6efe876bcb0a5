import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

const CHUNK = 64 * 1024;
const DEVICE = /(?:^|\/)tpm(?:rm)?(\d{1,3})$/;

/** Where the kernel shows the boot event log of the firmware that measured into this device: `/dev/tpmrm0` or its like. */
export function kernelEventLog(device: string): string | undefined {
  const number = DEVICE.exec(device)?.[1];
  return number === undefined ? undefined : `/sys/kernel/security/tpm${number}/binary_bios_measurements`;
}

/**
 * A boot event log, to its end: files of securityfs have no size.
 * @param limit bytes
 * @returns the log, or why there is none
 */
export async function readEventLog(
  path: string,
  limit: number,
): Promise<Uint8Array | 'none' | 'unreadable' | 'too-long'> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await contentOf(file, limit);
    } finally {
      await file.close();
    }
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'none' : 'unreadable';
  }
}

async function contentOf(file: FileHandle, limit: number): Promise<Uint8Array | 'none' | 'unreadable' | 'too-long'> {
  if (!(await file.stat()).isFile()) return 'unreadable';
  const chunks: Buffer[] = [];
  for (let length = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK), 0, CHUNK, null);
    length += bytesRead;
    if (length > limit) return 'too-long';
    if (bytesRead === 0) return length === 0 ? 'none' : Uint8Array.from(Buffer.concat(chunks));
    chunks.push(buffer.subarray(0, bytesRead));
  }
}
