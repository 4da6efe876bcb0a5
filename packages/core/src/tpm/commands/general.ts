import { listOf, record, sized, u16, u32, u64, type Codec } from '../codec.ts';
import { MAX_NAME } from '../constants.ts';
import { unknownValue } from '../structures/algorithms.ts';
import { clockInfo, yesNo } from '../structures/attest.ts';
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

/** TPM_CAP. */
export const TPM_CAP = { PCRS: 5, TPM_PROPERTIES: 6 } as const;

/** TPM_PT: fixed properties that say what TPM this is. */
export const TPM_PT = {
  FAMILY: 0x100,
  MANUFACTURER: 0x105,
  VENDOR_STRING_1: 0x106,
  VENDOR_STRING_4: 0x109,
  FIRMWARE_1: 0x10b,
  FIRMWARE_2: 0x10c,
} as const;

export type CapabilityData =
  | { readonly kind: 'pcrs'; readonly banks: readonly PcrBank[] }
  | {
      readonly kind: 'properties';
      readonly properties: readonly { readonly property: number; readonly value: number }[];
    };

const properties = listOf(record({ property: u32, value: u32 }), 512);

const capabilityData: Codec<CapabilityData> = {
  read(r, field) {
    const offset = r.offset;
    const capability = r.u32(field);
    if (capability === TPM_CAP.PCRS) return { kind: 'pcrs', banks: pcrBanks.read(r, 'assignedPCR') };
    if (capability !== TPM_CAP.TPM_PROPERTIES) throw unknownValue('capability', capability, offset);
    return { kind: 'properties', properties: properties.read(r, 'tpmProperties') };
  },
  write(w, data) {
    if (data.kind === 'pcrs') pcrBanks.write(w.u32(TPM_CAP.PCRS), data.banks);
    else properties.write(w.u32(TPM_CAP.TPM_PROPERTIES), data.properties);
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
