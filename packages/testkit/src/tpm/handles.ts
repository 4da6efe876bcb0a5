import { PCR_COUNT, TPM_HANDLE } from '@assay/core/tpm';
import { FIRST_OBJECT, FIRST_POLICY_SESSION, type Machine } from './machine.ts';
import { aboutHandle, RC, Refusal } from './refusal.ts';

/** What a command takes in the place of a handle. */
export type HandleKind = 'object' | 'pcr' | 'hierarchy' | 'null' | 'policy-session';

const HANDLE_TYPE = 0xff000000;

/**
 * The handle, if it is of that kind and names something.
 * @throws Refusal VALUE where it is of another kind, REFERENCE_H where nothing is loaded there
 */
export function checkHandle(machine: Machine, kind: HandleKind, handle: number, index: number): number {
  if (!isOfKind(kind, handle)) throw aboutHandle(RC.VALUE, index);
  if (kind === 'object' && machine.objects.get(handle) === undefined) throw new Refusal(RC.REFERENCE_H0 + index);
  if (kind === 'policy-session' && machine.sessions.get(handle) === undefined) {
    throw new Refusal(RC.REFERENCE_H0 + index);
  }
  return handle;
}

function isOfKind(kind: HandleKind, handle: number): boolean {
  const type = (handle & HANDLE_TYPE) >>> 0;
  switch (kind) {
    case 'object':
      return type === FIRST_OBJECT;
    case 'policy-session':
      return type === FIRST_POLICY_SESSION;
    case 'pcr':
      return handle < PCR_COUNT;
    case 'hierarchy':
      return type === 0x40000000;
    case 'null':
      return handle === TPM_HANDLE.NULL;
  }
}
