import { listOf, sized, u16, u32, u8, verbatim } from '../codec.ts';
import { MAX_DIGEST, MAX_NAME } from '../constants.ts';
import { MAX_ENCRYPTED_SECRET } from '../credential.ts';
import { hashId, symmetric, yesNo } from '../structures/algorithms.ts';
import { pcrSelections } from '../structures/pcr-selection.ts';
import { signature } from '../structures/signature.ts';
import { defineCommand } from './layout.ts';
import { ticket } from './objects.ts';

/** Branches of one PolicyOR: the size of TPML_DIGEST. */
export const POLICY_BRANCHES = 8;

/** Part 3, clause 11.1. */
export const startAuthSession = defineCommand({
  name: 'StartAuthSession',
  code: 0x176,
  handles: { tpmKey: u32, bind: u32 },
  authorizations: 0,
  parameters: {
    nonceCaller: sized(MAX_DIGEST),
    encryptedSalt: sized(MAX_ENCRYPTED_SECRET),
    /** TPM_SE. */
    sessionType: u8,
    symmetric,
    authHash: hashId,
  },
  resultHandles: { sessionHandle: u32 },
  results: { nonceTpm: sized(MAX_DIGEST) },
});

/** Part 3, clause 11.2. */
export const policyRestart = defineCommand({
  name: 'PolicyRestart',
  code: 0x180,
  handles: { sessionHandle: u32 },
  authorizations: 0,
  parameters: {},
  resultHandles: {},
  results: {},
});

/** What limits PolicySigned and PolicySecret; expiration: seconds, 0 for none. */
const LIMITS = {
  nonceTpm: sized(MAX_DIGEST),
  cpHashA: sized(MAX_DIGEST),
  policyRef: sized(MAX_NAME),
  expiration: u32,
} as const;
const APPROVAL = { timeout: sized(8), policyTicket: ticket } as const;

/** Part 3, clause 23.3. */
export const policySigned = defineCommand({
  name: 'PolicySigned',
  code: 0x160,
  handles: { authObject: u32, policySession: u32 },
  authorizations: 0,
  /** auth: TPMT_SIGNATURE over the digest of nonce, expiration, cpHash and policyRef. */
  parameters: { ...LIMITS, auth: verbatim(signature) },
  resultHandles: {},
  results: APPROVAL,
});

/** Part 3, clause 23.4. */
export const policySecret = defineCommand({
  name: 'PolicySecret',
  code: 0x151,
  handles: { authHandle: u32, policySession: u32 },
  authorizations: 1,
  parameters: LIMITS,
  resultHandles: {},
  results: APPROVAL,
});

/** Part 3, clause 23.6. */
export const policyOr = defineCommand({
  name: 'PolicyOR',
  code: 0x171,
  handles: { policySession: u32 },
  authorizations: 0,
  parameters: { branches: listOf(sized(MAX_DIGEST), POLICY_BRANCHES) },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 23.7; an empty digest stands for the values at the moment. */
export const policyPcr = defineCommand({
  name: 'PolicyPCR',
  code: 0x17f,
  handles: { policySession: u32 },
  authorizations: 0,
  parameters: { pcrDigest: sized(MAX_DIGEST), selection: pcrSelections },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 23.8; locality: TPMA_LOCALITY. */
export const policyLocality = defineCommand({
  name: 'PolicyLocality',
  code: 0x16f,
  handles: { policySession: u32 },
  authorizations: 0,
  parameters: { locality: u8 },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 23.9; operation: TPM_EO. */
export const policyNv = defineCommand({
  name: 'PolicyNV',
  code: 0x149,
  handles: { authHandle: u32, nvIndex: u32, policySession: u32 },
  authorizations: 1,
  parameters: { operandB: sized(MAX_DIGEST), offset: u16, operation: u16 },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 23.11; command: TPM_CC. */
export const policyCommandCode = defineCommand({
  name: 'PolicyCommandCode',
  code: 0x16c,
  handles: { policySession: u32 },
  authorizations: 0,
  parameters: { command: u32 },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 23.15. */
export const policyDuplicationSelect = defineCommand({
  name: 'PolicyDuplicationSelect',
  code: 0x188,
  handles: { policySession: u32 },
  authorizations: 0,
  parameters: { objectName: sized(MAX_NAME), newParentName: sized(MAX_NAME), includeObject: yesNo },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 23.16; checkTicket: of VerifySignature over H(approvedPolicy || policyRef). */
export const policyAuthorize = defineCommand({
  name: 'PolicyAuthorize',
  code: 0x16a,
  handles: { policySession: u32 },
  authorizations: 0,
  parameters: {
    approvedPolicy: sized(MAX_DIGEST),
    policyRef: sized(MAX_NAME),
    keySign: sized(MAX_NAME),
    checkTicket: ticket,
  },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 23.17. */
export const policyAuthValue = defineCommand({
  name: 'PolicyAuthValue',
  code: 0x16b,
  handles: { policySession: u32 },
  authorizations: 0,
  parameters: {},
  resultHandles: {},
  results: {},
});

/** Part 3, clause 23.18. */
export const policyPassword = defineCommand({
  name: 'PolicyPassword',
  code: 0x18c,
  handles: { policySession: u32 },
  authorizations: 0,
  parameters: {},
  resultHandles: {},
  results: {},
});

/** Part 3, clause 23.19. */
export const policyGetDigest = defineCommand({
  name: 'PolicyGetDigest',
  code: 0x189,
  handles: { policySession: u32 },
  authorizations: 0,
  parameters: {},
  resultHandles: {},
  results: { policyDigest: sized(MAX_DIGEST) },
});

/** Part 3, clause 23.20. */
export const policyNvWritten = defineCommand({
  name: 'PolicyNvWritten',
  code: 0x18f,
  handles: { policySession: u32 },
  authorizations: 0,
  parameters: { writtenSet: yesNo },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 23.22. */
export const policyAuthorizeNv = defineCommand({
  name: 'PolicyAuthorizeNV',
  code: 0x192,
  handles: { authHandle: u32, nvIndex: u32, policySession: u32 },
  authorizations: 1,
  parameters: {},
  resultHandles: {},
  results: {},
});
