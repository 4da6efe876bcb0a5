import { sized, sizedWhole, u32, u8, verbatim } from '../codec.ts';
import { MAX_DIGEST, MAX_NAME } from '../constants.ts';
import { MAX_ENCRYPTED_SECRET, MAX_ID_OBJECT } from '../credential.ts';
import { hashId, signingScheme, symmetric } from '../structures/algorithms.ts';
import { pcrSelections } from '../structures/pcr-selection.ts';
import { signature } from '../structures/signature.ts';
import { ticket } from './objects.ts';
import { defineCommand } from './layout.ts';

/** Part 3, clause 18.4. */
export const quote = defineCommand({
  name: 'Quote',
  code: 0x158,
  handles: { signHandle: u32 },
  authorizations: 1,
  parameters: { qualifyingData: sized(MAX_NAME), inScheme: signingScheme, selection: pcrSelections },
  resultHandles: {},
  /** quoted: TPMS_ATTEST; signature: TPMT_SIGNATURE. */
  results: { quoted: sized(2048), signature: verbatim(signature) },
});

/** Part 3, clause 12.5. */
export const activateCredential = defineCommand({
  name: 'ActivateCredential',
  code: 0x147,
  handles: { activateHandle: u32, keyHandle: u32 },
  authorizations: 2,
  /** TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. */
  parameters: { credentialBlob: sizedWhole(MAX_ID_OBJECT), secret: sizedWhole(MAX_ENCRYPTED_SECRET) },
  resultHandles: {},
  results: { certInfo: sized(MAX_DIGEST) },
});

/** Part 3, clause 11.1. */
export const startAuthSession = defineCommand({
  name: 'StartAuthSession',
  code: 0x176,
  handles: { tpmKey: u32, bind: u32 },
  authorizations: 0,
  parameters: {
    nonceCaller: sized(MAX_DIGEST),
    encryptedSalt: sized(MAX_ENCRYPTED_SECRET),
    sessionType: u8,
    symmetric,
    authHash: hashId,
  },
  resultHandles: { sessionHandle: u32 },
  results: { nonceTpm: sized(MAX_DIGEST) },
});

/** Part 3, clause 23.4. */
export const policySecret = defineCommand({
  name: 'PolicySecret',
  code: 0x151,
  handles: { authHandle: u32, policySession: u32 },
  authorizations: 1,
  /** expiration: seconds, 0 for none. */
  parameters: { nonceTpm: sized(MAX_DIGEST), cpHashA: sized(MAX_DIGEST), policyRef: sized(MAX_NAME), expiration: u32 },
  resultHandles: {},
  results: { timeout: sized(8), policyTicket: ticket },
});
