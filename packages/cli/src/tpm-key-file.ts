import { fromBase64, toBase64 } from '@assay/core/bytes';
import { writePrivateJson } from '@assay/linux/files';
import type { EkTemplateName } from '@assay/core/tpm';
import type { KeyBlobs } from '@assay/linux/tpm';
import { z } from 'zod';
import { readStateFile } from './state-file.ts';
import { EK_NAMES } from './tpm-key-names.ts';

const Base64 = z.string().max(8192);

const KeyFile = z.strictObject({
  schema: z.literal('assay.tpm-key.v1'),
  /** Template of the EK under which the key is. */
  ek: z.enum(EK_NAMES),
  /** TPM2B_PUBLIC and TPM2B_PRIVATE; only the TPM that made the key can load it. */
  public: Base64,
  private: Base64,
});

/** An attestation key that is kept in a file. */
export interface KeptKey {
  readonly ek: EkTemplateName;
  readonly blobs: KeyBlobs;
}

/** Undefined where there is no such file. @throws SystemError STATE-FORMAT, FormatError TEXT-BASE64 */
export async function readKeyFile(path: string): Promise<KeptKey | undefined> {
  const file = await readStateFile(path, KeyFile, 'assay tpm quote');
  if (file === undefined) return undefined;
  return { ek: file.ek, blobs: { public: fromBase64(file.public), private: fromBase64(file.private) } };
}

export async function writeKeyFile(path: string, { ek, blobs }: KeptKey): Promise<void> {
  const file: z.infer<typeof KeyFile> = {
    schema: 'assay.tpm-key.v1',
    ek,
    public: toBase64(blobs.public),
    private: toBase64(blobs.private),
  };
  await writePrivateJson(path, file);
}
