import { recordText, untrustedText, type IntegrityRecord } from '@assay/core/appraisal';
import { toHex } from '@assay/core/bytes';
import type { ComputedDigest } from '@assay/core/label';
import type { KernelProfile, PreparedRule } from '@assay/core/policy';
import type { AuditEvent, HookCall, OpenedFile, Task } from './contract.ts';

/** Of which access a record is. */
export interface AuditPlace {
  readonly file: OpenedFile;
  readonly task: Task;
  readonly hook: HookCall;
  readonly rule?: PreparedRule | undefined;
}

/** A record of an appraisal, as the kernel writes it. */
export function integrityEvent(
  record: IntegrityRecord,
  place: AuditPlace,
  denied: boolean,
  kernel: Pick<KernelProfile, 'version'>,
): AuditEvent {
  const { file, task } = place;
  const { path, state } = file;
  const subject = { ...task.record(), pid: task.pid, path, dev: file.device(), inode: state.inode };
  const kind = record.type === 'INTEGRITY_PCR' ? 'violation' : 'integrity';
  const text = recordText(record, subject, kernel);
  return { ...common(place), kind, type: record.type, text, cause: record.cause, denied };
}

/** ima_api.c, ima_add_violation: `res=1` says that it was recorded. */
export function violationRecord(cause: 'ToMToU' | 'open_writers'): IntegrityRecord {
  return { type: 'INTEGRITY_PCR', op: 'invalid_pcr', cause, success: true, name: 'path' };
}

/** A record of the action `audit` (ima_api.c, ima_audit_measurement). */
export function fileEvent({ algorithm, value }: ComputedDigest, place: AuditPlace): AuditEvent {
  const { file, task } = place;
  const { ids = [], parent, uid, auid = UNSET, ses = UNSET, comm, executable } = task.record();
  const credentials = ids.map(([name, id]) => `${name}=${id}`);
  const text = [
    `file=${untrustedText(file.path)} hash="${algorithm}:${toHex(value)}"`,
    ...(parent === undefined ? [] : [`ppid=${parent}`]),
    `pid=${task.pid} auid=${auid} uid=${uid}`,
    ...credentials,
    `tty=(none) ses=${ses} comm=${untrustedText(comm)}`,
    `exe=${executable === undefined ? '(null)' : untrustedText(executable)}`,
  ].join(' ');
  return { ...common(place), kind: 'file', type: 'INTEGRITY_RULE', text, denied: false };
}

/** AUDIT_UID_UNSET and AUDIT_SID_UNSET */
const UNSET = 0xffffffff;

/** No record of the kernel: a transaction gave a file a new label. */
export function updaterEvent(cause: string, place: AuditPlace): AuditEvent {
  const { file, task } = place;
  const text = `op=relabel cause=${cause} comm=${untrustedText(task.record().comm)} name=${untrustedText(file.path)}`;
  return { ...common(place), kind: 'updater', type: 'ENGINE_UPDATER', text, cause, denied: false };
}

function common({ file, task, hook, rule }: AuditPlace): Pick<AuditEvent, 'pid' | 'path' | 'func' | 'rule'> {
  const { pid } = task;
  return { pid, path: file.path, func: hook.func, ...(rule === undefined ? {} : { rule: rule.text }) };
}
