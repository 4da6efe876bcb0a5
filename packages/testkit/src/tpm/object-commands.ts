import { ByteWriter, concat } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import {
  create,
  createPrimary,
  encode,
  encodePcrSelections,
  load,
  OBJECT,
  readPublic,
  sized,
  TPM_HANDLE,
  TPM_ST,
  type PcrSelection,
} from '@assay/core/tpm';
import { handler, type Handler } from './handler.ts';
import { childKey, freshKey, primaryKey, type TpmKey } from './keys.ts';
import type { Machine } from './machine.ts';
import { unwrapPrivate, wrapPrivate } from './private-blob.ts';
import { aboutHandle, aboutParameter, RC } from './refusal.ts';
import { readTemplate, requireNoSensitive } from './template.ts';

const TPM_ALG_NULL = 0x0010;
const LOCALITY_0 = 0x01;
const whole = sized(2048);

interface CreationInput {
  readonly outsideInfo: Uint8Array;
  readonly creationPcr: readonly PcrSelection[];
}

interface Creation {
  readonly creationData: Uint8Array;
  readonly creationHash: Uint8Array;
  readonly creationTicket: { tag: number; hierarchy: number; digest: Uint8Array };
}

/** TPMS_CREATION_DATA (TPM 2.0 Part 2, clause 15.1), its digest, and the ticket that ties it to this TPM. */
function creationOf(machine: Machine, input: CreationInput, parent: TpmKey | null, name: Uint8Array): Creation {
  const selection = machine.pcrs.existing(input.creationPcr);
  const hierarchyName = new ByteWriter().u32(TPM_HANDLE.ENDORSEMENT).finish();
  const creationData = concat([
    encodePcrSelections(selection),
    encode(whole, machine.pcrs.composite('sha256', selection)),
    new ByteWriter()
      .u8(LOCALITY_0)
      .u16(parent === null ? TPM_ALG_NULL : 0x000b)
      .finish(),
    encode(whole, parent?.name ?? hierarchyName),
    encode(whole, parent?.qualifiedName ?? hierarchyName),
    encode(whole, input.outsideInfo),
  ]);
  const creationHash = nodeHasher.digest('sha256', creationData);
  const digest = nodeHasher.hmac('sha256', machine.seed, name, creationHash);
  return {
    creationData,
    creationHash,
    creationTicket: { tag: TPM_ST.CREATION, hierarchy: TPM_HANDLE.ENDORSEMENT, digest },
  };
}

/** The loaded key, if it is one that keeps others. @throws Refusal TYPE */
function parentAt(machine: Machine, handle: number): TpmKey {
  const parent = keyAt(machine, handle, 0);
  const needed = OBJECT.RESTRICTED | OBJECT.DECRYPT;
  if ((parent.area.attributes & needed) !== needed) throw aboutHandle(RC.TYPE, 0);
  return parent;
}

/** @param index of the handle in the command */
export function keyAt(machine: Machine, handle: number, index: number): TpmKey {
  const key = machine.objects.get(handle);
  if (key === undefined) throw aboutHandle(RC.HANDLE, index);
  return key;
}

export const objectCommands: readonly Handler[] = [
  handler(createPrimary, ['hierarchy'], (machine, input) => {
    if (input.primaryHandle !== TPM_HANDLE.ENDORSEMENT) throw aboutHandle(RC.HIERARCHY, 0);
    requireNoSensitive(input.inSensitive, 0);
    const template = readTemplate(input.inPublic, 1);
    const key = primaryKey(machine.seed, template, input.inPublic);
    const creation = creationOf(machine, input, null, key.name);
    return {
      objectHandle: machine.objects.add(key),
      outPublic: encode(whole, key.area.raw),
      ...creation,
      name: key.name,
    };
  }),
  handler(create, ['object'], (machine, input) => {
    const parent = parentAt(machine, input.parentHandle);
    requireNoSensitive(input.inSensitive, 0);
    const { area, scalar } = freshKey(readTemplate(input.inPublic, 1));
    const key = childKey(parent, area, scalar);
    return {
      outPrivate: wrapPrivate(machine.seed, parent, area, scalar),
      outPublic: encode(whole, area.raw),
      ...creationOf(machine, input, parent, key.name),
    };
  }),
  handler(load, ['object'], (machine, input) => {
    machine.objects.requireRoom();
    const parent = parentAt(machine, input.parentHandle);
    const area = readTemplate(input.inPublic, 1);
    const scalar = unwrapPrivate(machine.seed, parent, area, input.inPrivate, 0);
    if (scalar.length !== 32) throw aboutParameter(RC.BINDING, 1);
    const key = childKey(parent, area, scalar);
    return { objectHandle: machine.objects.add(key), name: key.name };
  }),
  handler(readPublic, ['object'], (machine, { objectHandle }) => {
    const { area, name, qualifiedName } = keyAt(machine, objectHandle, 0);
    return { outPublic: encode(whole, area.raw), name, qualifiedName };
  }),
];
