import { listOf, record, sized, u16, u32, u64, type Codec } from '../codec.ts';
import { MAX_NAME } from '../constants.ts';
import { unknownValue, yesNo } from '../structures/algorithms.ts';
import { clockInfo } from '../structures/attest.ts';
import { pcrBanks, type PcrBank } from '../structures/pcr-selection.ts';
import { defineCommand } from './layout.ts';

/** Part 3, clause 9.3. */
export const startup = defineCommand({
  name: 'Startup',
  code: 0x144,
  handles: {},
  authorizations: 0,
  parameters: { startupType: u16 },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 9.4. */
export const shutdown = defineCommand({
  name: 'Shutdown',
  code: 0x145,
  handles: {},
  authorizations: 0,
  parameters: { shutdownType: u16 },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 10.2. */
export const selfTest = defineCommand({
  name: 'SelfTest',
  code: 0x143,
  handles: {},
  authorizations: 0,
  parameters: { fullTest: yesNo },
  resultHandles: {},
  results: {},
});

/** TPM_CAP. */
export const TPM_CAP = { ALGS: 0, HANDLES: 1, COMMANDS: 2, PCRS: 5, TPM_PROPERTIES: 6, ECC_CURVES: 8 } as const;

/** TPM_PT: fixed properties that say what TPM this is and what fits into it. */
export const TPM_PT = {
  FAMILY: 0x100,
  REVISION: 0x102,
  MANUFACTURER: 0x105,
  VENDOR_STRING_1: 0x106,
  VENDOR_STRING_4: 0x109,
  FIRMWARE_1: 0x10b,
  FIRMWARE_2: 0x10c,
  NV_BUFFER_MAX: 0x12c,
} as const;

/** TPMU_CAPABILITIES: lists of those that are asked for here (TPM 2.0 Part 2, clause 10.10). */
export type CapabilityData =
  | {
      readonly kind: 'algorithms';
      readonly algorithms: readonly { readonly id: number; readonly attributes: number }[];
    }
  | { readonly kind: 'handles'; readonly handles: readonly number[] }
  /** TPMA_CC: the command code in the low half. */
  | { readonly kind: 'commands'; readonly commands: readonly number[] }
  | { readonly kind: 'pcrs'; readonly banks: readonly PcrBank[] }
  | {
      readonly kind: 'properties';
      readonly properties: readonly { readonly property: number; readonly value: number }[];
    }
  /** TPM_ECC_CURVE. */
  | { readonly kind: 'curves'; readonly curves: readonly number[] };

const LISTS = {
  algorithms: record({ algorithms: listOf(record({ id: u16, attributes: u32 }), 512) }),
  handles: record({ handles: listOf(u32, 1024) }),
  commands: record({ commands: listOf(u32, 1024) }),
  pcrs: record({ banks: pcrBanks }),
  properties: record({ properties: listOf(record({ property: u32, value: u32 }), 512) }),
  curves: record({ curves: listOf(u16, 512) }),
} as const;

const capabilityData: Codec<CapabilityData> = {
  read(r, field) {
    const offset = r.offset;
    const capability = r.u32(field);
    switch (capability) {
      case TPM_CAP.ALGS:
        return { kind: 'algorithms', ...LISTS.algorithms.read(r, field) };
      case TPM_CAP.HANDLES:
        return { kind: 'handles', ...LISTS.handles.read(r, field) };
      case TPM_CAP.COMMANDS:
        return { kind: 'commands', ...LISTS.commands.read(r, field) };
      case TPM_CAP.PCRS:
        return { kind: 'pcrs', ...LISTS.pcrs.read(r, field) };
      case TPM_CAP.TPM_PROPERTIES:
        return { kind: 'properties', ...LISTS.properties.read(r, field) };
      case TPM_CAP.ECC_CURVES:
        return { kind: 'curves', ...LISTS.curves.read(r, field) };
      default:
        throw unknownValue('capability', capability, { offset, field });
    }
  },
  write(w, data) {
    switch (data.kind) {
      case 'algorithms':
        return LISTS.algorithms.write(w.u32(TPM_CAP.ALGS), data);
      case 'handles':
        return LISTS.handles.write(w.u32(TPM_CAP.HANDLES), data);
      case 'commands':
        return LISTS.commands.write(w.u32(TPM_CAP.COMMANDS), data);
      case 'pcrs':
        return LISTS.pcrs.write(w.u32(TPM_CAP.PCRS), data);
      case 'properties':
        return LISTS.properties.write(w.u32(TPM_CAP.TPM_PROPERTIES), data);
      case 'curves':
        return LISTS.curves.write(w.u32(TPM_CAP.ECC_CURVES), data);
    }
  },
};

/** Part 3, clause 30.2. */
export const getCapability = defineCommand({
  name: 'GetCapability',
  code: 0x17a,
  handles: {},
  authorizations: 0,
  parameters: { capability: u32, property: u32, propertyCount: u32 },
  resultHandles: {},
  results: { moreData: yesNo, capabilityData },
});

/** Part 3, clause 16.1. */
export const getRandom = defineCommand({
  name: 'GetRandom',
  code: 0x17b,
  handles: {},
  authorizations: 0,
  parameters: { bytesRequested: u16 },
  resultHandles: {},
  results: { randomBytes: sized(MAX_NAME) },
});

/** Part 3, clause 16.2; at most 128 bytes. */
export const stirRandom = defineCommand({
  name: 'StirRandom',
  code: 0x146,
  handles: {},
  authorizations: 0,
  parameters: { inData: sized(128) },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 29.1. */
export const readClock = defineCommand({
  name: 'ReadClock',
  code: 0x181,
  handles: {},
  authorizations: 0,
  parameters: {},
  resultHandles: {},
  results: { time: u64, clockInfo },
});

/** Part 3, clause 28.4; the handle travels as a parameter. */
export const flushContext = defineCommand({
  name: 'FlushContext',
  code: 0x165,
  handles: {},
  authorizations: 0,
  parameters: { flushHandle: u32 },
  resultHandles: {},
  results: {},
});

/** TPMS_CONTEXT (TPM 2.0 Part 2, clause 14.5). */
const context = record({ sequence: u64, savedHandle: u32, hierarchy: u32, contextBlob: sized(4096) });

/** Part 3, clause 28.2. */
export const contextSave = defineCommand({
  name: 'ContextSave',
  code: 0x162,
  handles: { saveHandle: u32 },
  authorizations: 0,
  parameters: {},
  resultHandles: {},
  results: { context },
});

/** Part 3, clause 28.3. */
export const contextLoad = defineCommand({
  name: 'ContextLoad',
  code: 0x161,
  handles: {},
  authorizations: 0,
  parameters: { context },
  resultHandles: { loadedHandle: u32 },
  results: {},
});
