import { SystemError } from '@assay/core/errors';
import {
  command,
  EMPTY_PASSWORD,
  NV,
  nvRead,
  nvReadPublic,
  TPM_HANDLE,
  TPM_PT,
  TpmResponseError,
  type NvPublic,
} from '@assay/core/tpm';
import { readHandles, readProperties } from './capability.ts';
import type { Tpm } from './tpm.ts';

/** Where a TPM does not say how much it returns at a time; the smallest limit that is known of one is 512. */
const CHUNK = 512;
const FIRST_NV_INDEX = 0x01000000;
/** TPM_RC_HANDLE about the first handle: there is no such index. */
const NO_INDEX = 0x18b;

/** An NV index and its name; undefined where there is none. */
export async function readNvPublic(
  tpm: Tpm,
  index: number,
): Promise<{ readonly public: NvPublic; readonly name: Uint8Array } | undefined> {
  try {
    const answer = await tpm.run(command(nvReadPublic, { nvIndex: index }));
    return { public: answer.nvPublic, name: answer.nvName };
  } catch (error) {
    if (error instanceof TpmResponseError && error.responseCode === NO_INDEX) return undefined;
    throw error;
  }
}

/** All NV indices. */
export async function listNvIndices(tpm: Tpm): Promise<number[]> {
  return readHandles((each) => tpm.run(each), FIRST_NV_INDEX);
}

/**
 * What an NV index holds, with the empty password of whoever may read it; undefined where there is none, or none
 * that was written.
 * @throws SystemError NOT-PERMITTED where only a policy reads it
 */
export async function readNv(tpm: Tpm, index: number): Promise<Uint8Array | undefined> {
  const found = await readNvPublic(tpm, index);
  if (found === undefined || (found.public.attributes & NV.WRITTEN) === 0) return undefined;
  const authHandle = readerOf(found.public);
  const chunk = await chunkSize(tpm);
  const whole = new Uint8Array(found.public.dataSize);
  for (let offset = 0; offset < whole.length; ) {
    const size = Math.min(chunk, whole.length - offset);
    const { data } = await tpm.run(command(nvRead, { authHandle, nvIndex: index, size, offset }, [EMPTY_PASSWORD]));
    if (data.length !== size)
      throw new SystemError('TPM-RESPONSE', `TPM2_NV_Read gave ${data.length} of ${size} bytes`);
    whole.set(data, offset);
    offset += size;
  }
  return whole;
}

/** The handle whose password reads an index. @throws SystemError NOT-PERMITTED */
export function readerOf({ index, attributes }: NvPublic): number {
  if ((attributes & NV.AUTH_READ) !== 0) return index;
  if ((attributes & NV.OWNER_READ) !== 0) return TPM_HANDLE.OWNER;
  if ((attributes & NV.PP_READ) !== 0) return TPM_HANDLE.PLATFORM;
  throw new SystemError('NOT-PERMITTED', `NV index 0x${index.toString(16)} can only be read under its policy`);
}

async function chunkSize(tpm: Tpm): Promise<number> {
  const properties = await readProperties((each) => tpm.run(each), TPM_PT.NV_BUFFER_MAX, TPM_PT.NV_BUFFER_MAX);
  return properties.get(TPM_PT.NV_BUFFER_MAX) ?? CHUNK;
}
