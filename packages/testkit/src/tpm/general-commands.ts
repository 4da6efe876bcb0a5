import { randomBytes } from 'node:crypto';
import { concat, utf8 } from '@assay/core/bytes';
import { hashAlgorithm } from '@assay/core/hash';
import {
  flushContext,
  getCapability,
  getRandom,
  readClock,
  shutdown,
  startup,
  TPM_CAP,
  TPM_PT,
  TPM_SU,
  type CapabilityData,
} from '@assay/core/tpm';
import { handler, type Handler } from './handler.ts';
import type { Machine } from './machine.ts';
import { ALL_PCRS, BANKS } from './pcr-banks.ts';
import { aboutParameter, RC, Refusal } from './refusal.ts';

const MANUFACTURER = 'SIMU';
const VENDOR = 'Assay simulated\0';
const MAX_RANDOM = 64;

/** Four characters in one number. */
function packed(text: string): number {
  return Buffer.from(concat([utf8(text), new Uint8Array(4)])).readUInt32BE(0);
}

/** In ascending order, as GetCapability lists them. */
const properties = ({ firmwareVersion }: Machine): readonly { readonly property: number; readonly value: number }[] => [
  { property: TPM_PT.FAMILY, value: packed('2.0') },
  { property: TPM_PT.MANUFACTURER, value: packed(MANUFACTURER) },
  ...[0, 4, 8, 12].map((at, i) => ({ property: TPM_PT.VENDOR_STRING_1 + i, value: packed(VENDOR.slice(at, at + 4)) })),
  { property: TPM_PT.FIRMWARE_1, value: Number(firmwareVersion >> 32n) },
  { property: TPM_PT.FIRMWARE_2, value: Number(firmwareVersion & 0xffffffffn) },
];

interface Capability {
  readonly moreData: boolean;
  readonly capabilityData: CapabilityData;
}

function capability(machine: Machine, which: number, from: number, count: number): Capability {
  if (which === TPM_CAP.PCRS) {
    const banks = BANKS.map((bank) => ({ algorithm: hashAlgorithm(bank).tpmId ?? 0, pcrs: ALL_PCRS }));
    return { moreData: false, capabilityData: { kind: 'pcrs', banks } };
  }
  if (which !== TPM_CAP.TPM_PROPERTIES) throw aboutParameter(RC.VALUE, 0);
  const all = properties(machine).filter(({ property }) => property >= from);
  const given = all.slice(0, count);
  return { moreData: given.length < all.length, capabilityData: { kind: 'properties', properties: given } };
}

export const generalCommands: readonly Handler[] = [
  handler(startup, [], (machine, { startupType }) => {
    if (machine.started) throw new Refusal(RC.INITIALIZE);
    // Only what TPM2_Shutdown(STATE) saved could be resumed, and this TPM loses all with its process.
    if (startupType !== TPM_SU.CLEAR) throw aboutParameter(RC.VALUE, 0);
    machine.started = true;
    machine.resetCount++;
    return {};
  }),
  handler(shutdown, [], (_machine, { shutdownType }) => {
    if (shutdownType !== TPM_SU.CLEAR && shutdownType !== TPM_SU.STATE) throw aboutParameter(RC.VALUE, 0);
    return {};
  }),
  handler(getCapability, [], (machine, query) =>
    capability(machine, query.capability, query.property, query.propertyCount),
  ),
  handler(getRandom, [], (_machine, { bytesRequested }) => ({
    randomBytes: randomBytes(Math.min(bytesRequested, MAX_RANDOM)),
  })),
  handler(readClock, [], (machine) => ({ time: machine.milliseconds, clockInfo: machine.clockInfo })),
  handler(flushContext, [], (machine, { flushHandle }) => {
    if (!machine.objects.remove(flushHandle) && !machine.sessions.remove(flushHandle)) {
      throw aboutParameter(RC.HANDLE, 0);
    }
    return {};
  }),
];
