import { NOTHING_REMEMBERED, type AppraisalMemory } from '@assay/core/appraisal';
import { identityKey } from '@assay/linux/files';
import type { AccessQuestion, FileMemory, FileState } from './contract.ts';

export const NO_MEMORY: FileMemory = {
  measured: new Set(),
  audited: false,
  hashed: false,
  appraisal: NOTHING_REMEMBERED,
  isHashed: false,
  updatesLabel: false,
  isMended: false,
  mayBeTomtou: false,
  toldOpenWriters: false,
  isUpdated: false,
  writers: 0,
};

type Mutable<T> = { -readonly [Member in keyof T]: T[Member] };

/** The memory of an access on its way. */
export type OwnMemory = Mutable<FileMemory> & { measured: Set<number> };

/** What holds of the memory for this state of the file. */
export function remembered({ file, memory }: AccessQuestion, epoch: number): OwnMemory {
  if (memory === undefined) return { ...NO_MEMORY, measured: new Set() };
  const { of } = memory;
  const holds = of?.epoch === epoch && identityKey(of.identity) === identityKey(file.state);
  if (holds) return { ...memory, measured: new Set(memory.measured) };
  const { written, fileStatus, isHashed, updatesLabel, isMended, mayBeTomtou, toldOpenWriters, isUpdated, writers } =
    memory;
  const kept = {
    ...(written === undefined ? {} : { written }),
    ...(fileStatus === undefined ? {} : { fileStatus }),
    isHashed,
    updatesLabel,
    isMended,
    mayBeTomtou,
    toldOpenWriters,
    isUpdated,
    writers,
  };
  return { ...NO_MEMORY, measured: new Set(), ...kept, appraisal: appraisalAfterChange(memory, file.state) };
}

/**
 * A new file is one until it is closed, and what was demanded of a file stays demanded, until its owner or mode changes
 * (iint->flags). Where it cannot be relied on that it is the same, what had passed is asked again, and only for what was
 * demanded then: the kernel would not ask.
 */
export function appraisalAfterChange({ appraisal, seen }: FileMemory, state: FileState): AppraisalMemory {
  const { isNew, demands, fulfilled } = appraisal;
  if (seen === undefined || !sameAttributes(seen, state)) return { ...NOTHING_REMEMBERED, isNew };
  const isChanged = identityKey(seen) !== identityKey(state);
  return { ...NOTHING_REMEMBERED, isNew, demands, ...(isChanged ? {} : { fulfilled }) };
}

/** Owner, group and mode. */
export function sameAttributes(one: FileState, other: FileState): boolean {
  return one.owner === other.owner && one.group === other.group && one.mode === other.mode;
}
