import { sized, sizedStructure, u32, verbatim } from '../codec.ts';
import { MAX_DIGEST } from '../constants.ts';
import { eccPoint } from '../credential.ts';
import { hashId, signingScheme } from '../structures/algorithms.ts';
import { signature } from '../structures/signature.ts';
import { defineCommand } from './layout.ts';
import { ticket } from './objects.ts';

/** TPM2B_MAX_BUFFER. */
const MAX_BUFFER = 1024;

/** Part 3, clause 15.4: the ticket lets a restricted key sign the digest. */
export const hash = defineCommand({
  name: 'Hash',
  code: 0x17d,
  handles: {},
  authorizations: 0,
  parameters: { data: sized(MAX_BUFFER), hashAlg: hashId, hierarchy: u32 },
  resultHandles: {},
  results: { outHash: sized(MAX_DIGEST), validation: ticket },
});

/** Part 3, clause 15.5. */
export const hmac = defineCommand({
  name: 'HMAC',
  code: 0x155,
  handles: { handle: u32 },
  authorizations: 1,
  parameters: { buffer: sized(MAX_BUFFER), hashAlg: hashId },
  resultHandles: {},
  results: { outHmac: sized(MAX_DIGEST) },
});

/** Part 3, clause 20.2. */
export const sign = defineCommand({
  name: 'Sign',
  code: 0x15d,
  handles: { keyHandle: u32 },
  authorizations: 1,
  parameters: { digest: sized(MAX_DIGEST), inScheme: signingScheme, validation: ticket },
  resultHandles: {},
  /** TPMT_SIGNATURE. */
  results: { signature: verbatim(signature) },
});

/** Part 3, clause 20.1. */
export const verifySignature = defineCommand({
  name: 'VerifySignature',
  code: 0x177,
  handles: { keyHandle: u32 },
  authorizations: 0,
  parameters: { digest: sized(MAX_DIGEST), signature: verbatim(signature) },
  resultHandles: {},
  results: { validation: ticket },
});

const sizedPoint = sizedStructure(eccPoint, 2 * (2 + 66));

/** Part 3, clause 14.5. */
export const ecdhZGen = defineCommand({
  name: 'ECDH_ZGen',
  code: 0x154,
  handles: { keyHandle: u32 },
  authorizations: 1,
  parameters: { inPoint: sizedPoint },
  resultHandles: {},
  results: { outPoint: sizedPoint },
});
