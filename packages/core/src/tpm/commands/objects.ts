import { record, sized, sizedWhole, u16, u32 } from '../codec.ts';
import { MAX_DIGEST, MAX_NAME } from '../constants.ts';
import { pcrSelections } from '../structures/pcr-selection.ts';
import { defineCommand } from './layout.ts';

const MAX_BLOB = 2048;

/** TPMT_TK_CREATION, TPMT_TK_AUTH. */
export const ticket = record({ tag: u16, hierarchy: u32, digest: sized(MAX_DIGEST) });

/** TPM2B_SENSITIVE_CREATE with no password and no data: the TPM makes the secret. */
export const NO_SENSITIVE = Uint8Array.of(0, 4, 0, 0, 0, 0);

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
