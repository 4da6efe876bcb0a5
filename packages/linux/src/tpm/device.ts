import { open, type FileHandle } from 'node:fs/promises';
import { SystemError } from '@assay/core/errors';
import { MAX_MESSAGE } from '@assay/core/tpm';
import type { TpmTransport } from './transport.ts';

/**
 * A TPM behind a character device of the kernel (drivers/char/tpm/tpm-dev-common.c): one write is one whole command,
 * the next read its whole response. `/dev/tpmrm0` gives each open its own objects and sessions.
 * @throws SystemError TPM-UNREACHABLE, NOT-PERMITTED
 */
export async function openTpmDevice(path = '/dev/tpmrm0'): Promise<TpmTransport> {
  try {
    return new DeviceTransport(path, await open(path, 'r+'));
  } catch (error) {
    throw unusable(path, error);
  }
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
