import { encode, record, sized, sizedStructure, sizedWhole, u16, u32 } from '../codec.ts';
import { MAX_DIGEST, MAX_NAME } from '../constants.ts';
import { MAX_ENCRYPTED_SECRET } from '../credential.ts';
import { symmetric } from '../structures/algorithms.ts';
import { pcrSelections } from '../structures/pcr-selection.ts';
import { defineCommand } from './layout.ts';

const MAX_BLOB = 2048;

/** TPMT_TK_CREATION, TPMT_TK_VERIFIED, TPMT_TK_AUTH, TPMT_TK_HASHCHECK. */
export const ticket = record({ tag: u16, hierarchy: u32, digest: sized(MAX_DIGEST) });

const sensitiveCreate = sizedStructure(record({ userAuth: sized(MAX_DIGEST), data: sized(256) }), MAX_BLOB);

/** TPM2B_SENSITIVE_CREATE. @param data what is sealed; empty where the TPM makes the secret */
export function sensitive(userAuth: Uint8Array, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  return encode(sensitiveCreate, { userAuth, data });
}

/** TPM2B_SENSITIVE_CREATE with no password and no data. */
export const NO_SENSITIVE = sensitive(new Uint8Array(0));

const creationParameters = {
  /** TPM2B_SENSITIVE_CREATE. */
  inSensitive: sizedWhole(MAX_BLOB),
  /** TPM2B_PUBLIC: the template. */
  inPublic: sizedWhole(MAX_BLOB),
  outsideInfo: sized(MAX_NAME),
  creationPcr: pcrSelections,
};

const creationResults = {
  /** TPM2B_PUBLIC. */
  outPublic: sizedWhole(MAX_BLOB),
  creationData: sized(MAX_BLOB),
  creationHash: sized(MAX_DIGEST),
  creationTicket: ticket,
};

/** Part 3, clause 24.1. */
export const createPrimary = defineCommand({
  name: 'CreatePrimary',
  code: 0x131,
  handles: { primaryHandle: u32 },
  authorizations: 1,
  parameters: creationParameters,
  resultHandles: { objectHandle: u32 },
  results: { ...creationResults, name: sized(MAX_NAME) },
});

/** Part 3, clause 12.1. */
export const create = defineCommand({
  name: 'Create',
  code: 0x153,
  handles: { parentHandle: u32 },
  authorizations: 1,
  parameters: creationParameters,
  resultHandles: {},
  /** outPrivate: TPM2B_PRIVATE. */
  results: { outPrivate: sizedWhole(MAX_BLOB), ...creationResults },
});

/** Part 3, clause 12.2. */
export const load = defineCommand({
  name: 'Load',
  code: 0x157,
  handles: { parentHandle: u32 },
  authorizations: 1,
  /** TPM2B_PRIVATE and TPM2B_PUBLIC. */
  parameters: { inPrivate: sizedWhole(MAX_BLOB), inPublic: sizedWhole(MAX_BLOB) },
  resultHandles: { objectHandle: u32 },
  results: { name: sized(MAX_NAME) },
});

/** Part 3, clause 12.4. */
export const readPublic = defineCommand({
  name: 'ReadPublic',
  code: 0x173,
  handles: { objectHandle: u32 },
  authorizations: 0,
  parameters: {},
  resultHandles: {},
  results: { outPublic: sizedWhole(MAX_BLOB), name: sized(MAX_NAME), qualifiedName: sized(MAX_NAME) },
});

/** Part 3, clause 12.9: Create and Load, or CreatePrimary, in one; without creation data. */
export const createLoaded = defineCommand({
  name: 'CreateLoaded',
  code: 0x191,
  handles: { parentHandle: u32 },
  authorizations: 1,
  /** inPublic: TPM2B_TEMPLATE, which for all but derived keys is a TPM2B_PUBLIC. */
  parameters: { inSensitive: sizedWhole(MAX_BLOB), inPublic: sizedWhole(MAX_BLOB) },
  resultHandles: { objectHandle: u32 },
  results: { outPrivate: sizedWhole(MAX_BLOB), outPublic: sizedWhole(MAX_BLOB), name: sized(MAX_NAME) },
});

/** Part 3, clause 12.3. */
export const loadExternal = defineCommand({
  name: 'LoadExternal',
  code: 0x167,
  handles: {},
  authorizations: 0,
  /** inPrivate: TPM2B_SENSITIVE, or its empty form (two zero bytes) for a public key alone. */
  parameters: { inPrivate: sizedWhole(MAX_BLOB), inPublic: sizedWhole(MAX_BLOB), hierarchy: u32 },
  resultHandles: { objectHandle: u32 },
  results: { name: sized(MAX_NAME) },
});

/** Part 3, clause 12.7. */
export const unseal = defineCommand({
  name: 'Unseal',
  code: 0x15e,
  handles: { itemHandle: u32 },
  authorizations: 1,
  parameters: {},
  resultHandles: {},
  results: { data: sized(256) },
});

/** Part 3, clause 28.5: makes an object persistent, or removes a persistent one. */
export const evictControl = defineCommand({
  name: 'EvictControl',
  code: 0x120,
  handles: { auth: u32, objectHandle: u32 },
  authorizations: 1,
  parameters: { persistentHandle: u32 },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 13.1. */
export const duplicate = defineCommand({
  name: 'Duplicate',
  code: 0x14b,
  handles: { objectHandle: u32, newParentHandle: u32 },
  authorizations: 1,
  parameters: { encryptionKeyIn: sized(MAX_DIGEST), symmetric },
  resultHandles: {},
  results: {
    encryptionKeyOut: sized(MAX_DIGEST),
    duplicate: sizedWhole(MAX_BLOB),
    outSymSeed: sizedWhole(MAX_ENCRYPTED_SECRET),
  },
});

/** Part 3, clause 13.3. */
export const importObject = defineCommand({
  name: 'Import',
  code: 0x156,
  handles: { parentHandle: u32 },
  authorizations: 1,
  parameters: {
    encryptionKey: sized(MAX_DIGEST),
    objectPublic: sizedWhole(MAX_BLOB),
    duplicate: sizedWhole(MAX_BLOB),
    inSymSeed: sizedWhole(MAX_ENCRYPTED_SECRET),
    symmetric,
  },
  resultHandles: {},
  results: { outPrivate: sizedWhole(MAX_BLOB) },
});
