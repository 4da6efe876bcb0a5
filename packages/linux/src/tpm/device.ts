import { open, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SystemError } from '@assay/core/errors';
import { MAX_MESSAGE } from '@assay/core/tpm';
import { flock } from '../libc/index.ts';
import type { TpmTransport } from './transport.ts';

/** include/uapi/asm-generic/fcntl.h */
const LOCK_EX_NB = 2 | 4;
const LOCK_POLL_MS = 20;
const LOCK_LIMIT_MS = 10_000;

/**
 * A TPM behind a character device of the kernel (drivers/char/tpm/tpm-dev-common.c): one write is one whole command,
 * the next read its whole response. `/dev/tpmrm0` gives each open its own objects and sessions; behind any other
 * device all clients share them, so this waits until no other client has it.
 * @param options.lockLimitMs how long to wait for the other client
 * @throws SystemError TPM-UNREACHABLE, NOT-PERMITTED
 */
export async function openTpmDevice(
  path = '/dev/tpmrm0',
  options: { lockLimitMs?: number } = {},
): Promise<TpmTransport> {
  try {
    const isShared = basename(path).startsWith('tpmrm');
    const handle = isShared ? await open(path, 'r+') : await openAlone(path, options.lockLimitMs ?? LOCK_LIMIT_MS);
    return new DeviceTransport(path, handle);
  } catch (error) {
    throw unusable(path, error);
  }
}

/** The kernel lets one process open /dev/tpm0 (EBUSY); the lock does the same among clients of other devices. */
async function openAlone(path: string, limitMs: number): Promise<FileHandle> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const handle = await open(path, 'r+').catch((error: unknown) => {
      if (isBusy(error)) return undefined;
      throw error;
    });
    if (handle !== undefined && flock(handle.fd, LOCK_EX_NB) === 0) return handle;
    await handle?.close();
    if (Date.now() >= deadline) throw new Error(`another client has had it for ${limitMs} ms`);
    await delay(LOCK_POLL_MS);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EBUSY';
}

class DeviceTransport implements TpmTransport {
  readonly description: string;
  readonly #path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle) {
    this.description = `TPM device ${path}`;
    this.#path = path;
    this.#handle = handle;
  }

  async send(command: Uint8Array): Promise<Uint8Array> {
    try {
      await this.#handle.write(command, 0, command.length, null);
      const response = new Uint8Array(MAX_MESSAGE);
      const { bytesRead } = await this.#handle.read(response, 0, response.length, null);
      if (bytesRead === 0) throw new Error('it gives no response');
      return response.subarray(0, bytesRead);
    } catch (error) {
      throw unusable(this.#path, error);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

function unusable(path: string, cause: unknown): SystemError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const denied = code === 'EACCES' || code === 'EPERM';
  return new SystemError(denied ? 'NOT-PERMITTED' : 'TPM-UNREACHABLE', `TPM device ${path}: ${message}`, { cause });
}
