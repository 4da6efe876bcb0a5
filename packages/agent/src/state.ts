import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromBase64 } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { makePrivateDirectory, writePrivateJson } from '@assay/linux/files';
import { CLOUD_KEY_NAMES } from '@assay/linux/tpm';
import { base64, HostId } from '@assay/wire';
import { z } from 'zod';
import { EK_PREFERENCE } from './endorsement.ts';

const Blob = base64(4096).refine(isCanonical, 'not canonical base64');

/** The attestation key as the TPM gave it out; only the TPM that made it can load the private part. */
const AkBlobs = z.strictObject({ public: Blob, private: Blob });
export type AkBlobs = z.infer<typeof AkBlobs>;

/** An attestation key that the cloud of the host certified, which its TPM makes or has. */
const CertifiedAk = z.strictObject({ certified: z.enum(CLOUD_KEY_NAMES), public: Blob });

const Token = z.string().min(1).max(256);

/** A key that takes the place of the one in use, and the token that comes with it, until the verifier has said that it does. */
const NextKey = z.strictObject({ ak: AkBlobs, token: Token });
export type NextKey = z.infer<typeof NextKey>;

const Enrolment = z.strictObject({ hostId: HostId, token: Token, next: NextKey.optional() });
export type Enrolment = z.infer<typeof Enrolment>;

const AgentState = z.strictObject({
  schema: z.literal('assay.agent-state.v1'),
  /** SHA-256 of the EK's public area: another TPM cannot load the key, so the rest is of no use with it. */
  ekDigest: z.string().regex(/^[0-9a-f]{64}$/),
  /** Template of that EK, where it was chosen for its certificate. */
  ekTemplate: z.enum(EK_PREFERENCE).optional(),
  ak: z.union([AkBlobs, CertifiedAk]),
  enrolment: Enrolment.nullable(),
});
export type AgentState = z.infer<typeof AgentState>;

/** @returns null before the first enrolment. @throws SystemError AGENT-STATE */
export async function loadState(path: string): Promise<AgentState | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw unreadable(path, error);
  }
  try {
    return AgentState.parse(JSON.parse(text));
  } catch (error) {
    throw unreadable(path, error);
  }
}

export async function saveState(path: string, state: AgentState): Promise<void> {
  makePrivateDirectory(dirname(path));
  await writePrivateJson(path, state);
}

function isCanonical(text: string): boolean {
  try {
    return fromBase64(text).length > 0;
  } catch {
    return false;
  }
}

function unreadable(path: string, cause: unknown): SystemError {
  const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
  return new SystemError('AGENT-STATE', `${path}: ${reason}`, { cause });
}
