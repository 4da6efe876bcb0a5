import { certify, certifyCreation, command, EMPTY_PASSWORD, getTime, nvCertify, TPM_HANDLE } from '@assay/core/tpm';
import { readerOf, readNvPublic } from './nv.ts';
import type { Tpm } from './tpm.ts';

/** TPMS_ATTEST and TPMT_SIGNATURE. */
export interface SignedAttestation {
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** The ticket of an object's creation. */
export interface Creation {
  readonly creationHash: Uint8Array;
  readonly creationTicket: { readonly tag: number; readonly hierarchy: number; readonly digest: Uint8Array };
}

interface Signer {
  readonly akHandle: number;
  /** At most 32 bytes suit every TPM. */
  readonly extraData: Uint8Array;
}

/** That an object with the empty password is loaded. */
export async function certifyObject(tpm: Tpm, signer: Signer, objectHandle: number): Promise<SignedAttestation> {
  const values = { objectHandle, signHandle: signer.akHandle, qualifyingData: signer.extraData, inScheme: null };
  return signed(await tpm.run(command(certify, values, [EMPTY_PASSWORD, EMPTY_PASSWORD])));
}

/** That this TPM created an object. */
export async function certifyCreationOf(
  tpm: Tpm,
  signer: Signer,
  objectHandle: number,
  creation: Creation,
): Promise<SignedAttestation> {
  const handles = { signHandle: signer.akHandle, objectHandle };
  const question = { qualifyingData: signer.extraData, inScheme: null };
  return signed(await tpm.run(command(certifyCreation, { ...handles, ...question, ...creation }, [EMPTY_PASSWORD])));
}

/** What an NV index holds; undefined where there is none. @throws SystemError NOT-PERMITTED where only a policy reads it */
export async function certifyNv(
  tpm: Tpm,
  signer: Signer,
  nvIndex: number,
  part: { readonly offset: number; readonly size: number },
): Promise<SignedAttestation | undefined> {
  const found = await readNvPublic(tpm, nvIndex);
  if (found === undefined) return undefined;
  const handles = { signHandle: signer.akHandle, authHandle: readerOf(found.public), nvIndex };
  const values = { ...handles, qualifyingData: signer.extraData, inScheme: null, ...part };
  return signed(await tpm.run(command(nvCertify, values, [EMPTY_PASSWORD, EMPTY_PASSWORD])));
}

/** What the clock of the TPM shows. */
export async function attestTime(tpm: Tpm, signer: Signer): Promise<SignedAttestation> {
  const handles = { privacyAdminHandle: TPM_HANDLE.ENDORSEMENT, signHandle: signer.akHandle };
  const values = { ...handles, qualifyingData: signer.extraData, inScheme: null };
  return signed(await tpm.run(command(getTime, values, [EMPTY_PASSWORD, EMPTY_PASSWORD])));
}

function signed(answer: { readonly attest: Uint8Array; readonly signature: Uint8Array }): SignedAttestation {
  return { message: answer.attest, signature: answer.signature };
}
