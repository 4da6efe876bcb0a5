import { sized, sizedWhole, u16, u32, verbatim } from '../codec.ts';
import { MAX_DIGEST, MAX_NAME } from '../constants.ts';
import { MAX_ENCRYPTED_SECRET, MAX_ID_OBJECT } from '../credential.ts';
import { signingScheme } from '../structures/algorithms.ts';
import { pcrSelections } from '../structures/pcr-selection.ts';
import { signature } from '../structures/signature.ts';
import { defineCommand } from './layout.ts';
import { ticket } from './objects.ts';

/** TPMS_ATTEST and TPMT_SIGNATURE. */
const ATTESTATION = { attest: sized(2048), signature: verbatim(signature) } as const;

/** What is signed along, and how; a key with a scheme of its own takes null. */
const QUESTION = { qualifyingData: sized(MAX_NAME), inScheme: signingScheme } as const;

/** Part 3, clause 18.4. */
export const quote = defineCommand({
  name: 'Quote',
  code: 0x158,
  handles: { signHandle: u32 },
  authorizations: 1,
  parameters: { ...QUESTION, selection: pcrSelections },
  resultHandles: {},
  /** quoted: TPMS_ATTEST; signature: TPMT_SIGNATURE. */
  results: { quoted: ATTESTATION.attest, signature: ATTESTATION.signature },
});

/** Part 3, clause 18.2. */
export const certify = defineCommand({
  name: 'Certify',
  code: 0x148,
  handles: { objectHandle: u32, signHandle: u32 },
  authorizations: 2,
  parameters: QUESTION,
  resultHandles: {},
  results: ATTESTATION,
});

/** Part 3, clause 18.3. */
export const certifyCreation = defineCommand({
  name: 'CertifyCreation',
  code: 0x14a,
  handles: { signHandle: u32, objectHandle: u32 },
  authorizations: 1,
  parameters: {
    qualifyingData: sized(MAX_NAME),
    creationHash: sized(MAX_DIGEST),
    inScheme: signingScheme,
    creationTicket: ticket,
  },
  resultHandles: {},
  results: ATTESTATION,
});

/** Part 3, clause 18.5. */
export const getSessionAuditDigest = defineCommand({
  name: 'GetSessionAuditDigest',
  code: 0x14d,
  handles: { privacyAdminHandle: u32, signHandle: u32, sessionHandle: u32 },
  authorizations: 2,
  parameters: QUESTION,
  resultHandles: {},
  results: ATTESTATION,
});

/** Part 3, clause 18.7. */
export const getTime = defineCommand({
  name: 'GetTime',
  code: 0x14c,
  handles: { privacyAdminHandle: u32, signHandle: u32 },
  authorizations: 2,
  parameters: QUESTION,
  resultHandles: {},
  results: ATTESTATION,
});

/** Part 3, clause 31.16. */
export const nvCertify = defineCommand({
  name: 'NV_Certify',
  code: 0x184,
  handles: { signHandle: u32, authHandle: u32, nvIndex: u32 },
  authorizations: 2,
  parameters: { ...QUESTION, size: u16, offset: u16 },
  resultHandles: {},
  results: ATTESTATION,
});

/** TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. */
const CREDENTIAL = { credentialBlob: sizedWhole(MAX_ID_OBJECT), secret: sizedWhole(MAX_ENCRYPTED_SECRET) } as const;

/** Part 3, clause 12.5. */
export const activateCredential = defineCommand({
  name: 'ActivateCredential',
  code: 0x147,
  handles: { activateHandle: u32, keyHandle: u32 },
  authorizations: 2,
  parameters: CREDENTIAL,
  resultHandles: {},
  results: { certInfo: sized(MAX_DIGEST) },
});

/** Part 3, clause 12.6; `makeCredential` does the same without a TPM. */
export const makeCredentialByTpm = defineCommand({
  name: 'MakeCredential',
  code: 0x168,
  handles: { handle: u32 },
  authorizations: 0,
  parameters: { credential: sized(MAX_DIGEST), objectName: sized(MAX_NAME) },
  resultHandles: {},
  results: CREDENTIAL,
});
