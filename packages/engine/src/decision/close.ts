import { kernelLabel, NOTHING_REMEMBERED, type KernelWrite } from '@assay/core/appraisal';
import { equalBytes } from '@assay/core/bytes';
import { LABEL_TYPES } from '@assay/core/label';
import { ACCESS, evaluate, type Evaluation } from '@assay/core/policy';
import { identityKey } from '@assay/linux/files';
import type { AccessContext } from './access.ts';
import { updaterEvent } from './audit.ts';
import type {
  AuditEvent,
  CloseDecision,
  CloseQuestion,
  FileMemory,
  HookCall,
  OpenedFile,
  XattrAnswer,
} from './contract.ts';
import { appraisalAfterChange, NO_MEMORY, sameAttributes } from './memory.ts';
import { hmacBeside } from './metadata.ts';
import { asksForLabel } from './updater.ts';

const WRITTEN: HookCall = { func: 'FILE_CHECK', mask: ACCESS.MAY_WRITE };
const CHANGED: HookCall = { func: 'POST_SETATTR', mask: 0 };

/**
 * What the kernel does when the last writer closes a file that was changed (ima_main.c, ima_check_last_writer; ima_appraise.c,
 * ima_update_xattr): what was known of the content is forgotten, and where a rule appraises or hashes the file, it gets a
 * new hash label, unless its label is a signature, or the file failed when it was opened.
 */
export function decideClose(context: AccessContext, { file, task, memory = NO_MEMORY }: CloseQuestion): CloseDecision {
  if (isUnchanged(file, memory)) return { audits: [], writes: [], memory: afterClose(memory) };
  const forgotten = afterChange(memory, file);
  if (isByUpdater(context, { file, task, memory })) return { ...installed(context, { file, task }), memory: forgotten };
  const mayLabel = context.setup.relabel === 'writers' && wantsLabel(context, { file, task, memory });
  return { audits: [], writes: mayLabel ? relabelled(context, file) : [], memory: forgotten };
}

/**
 * What the last writer leaves: who opens it for writing next may find another state of it. Whether others have it open the
 * kernel does not tell at once, as he who closes counts as a writer for a moment more; so each closing is told anew.
 */
function afterClose({ written, writers, ...memory }: FileMemory): FileMemory {
  const closed = { ...memory, isUpdated: false, toldOpenWriters: false };
  if (writers <= 1) return { ...closed, writers: 0, updatesLabel: false };
  return { ...closed, writers: writers - 1, ...(written === undefined ? {} : { written }) };
}

function afterChange(memory: FileMemory, { state }: OpenedFile): FileMemory {
  const { fileStatus, isHashed, mayBeTomtou } = memory;
  const appraisal = { ...appraisalAfterChange(memory, state), isNew: false, fulfilled: NOTHING_REMEMBERED.fulfilled };
  const kept = { isHashed, mayBeTomtou, ...(fileStatus === undefined ? {} : { fileStatus }) };
  return { ...NO_MEMORY, ...kept, appraisal, seen: state };
}

/** By the rules when it was opened, or where that was not seen, by those for who closes it. */
function wantsLabel(context: AccessContext, { file, task, memory }: Required<CloseQuestion>): boolean {
  const { written, updatesLabel, isHashed, fileStatus } = memory;
  if (written === undefined) {
    const { actions } = rulesFor(context, { file, task }, WRITTEN);
    return (actions.has('appraise') && fileStatus !== 'failed') || actions.has('hash');
  }
  const isLost = !sameAttributes(written, file.state) && !isLookedAfter(context, { file, task });
  return updatesLabel && !isLost && (fileStatus === 'passed' || isHashed);
}

/** Whether a rule appraises or hashes it since its owner or mode changed (ima_appraise.c, ima_inode_post_setattr). */
function isLookedAfter(context: AccessContext, question: Pick<CloseQuestion, 'file' | 'task'>): boolean {
  return rulesFor(context, question, CHANGED).actions.size > 0;
}

/** By who opened it, or where that was not seen, by who closes it. */
function isByUpdater({ updaters, policy }: AccessContext, { file, task, memory }: Required<CloseQuestion>): boolean {
  return memory.isUpdated || (updaters.include(task) && asksForLabel(policy, file, task));
}

/** The label of what an updater wrote. A new version of an updater becomes one. */
function installed(
  context: AccessContext,
  { file, task }: Pick<CloseQuestion, 'file' | 'task'>,
): Pick<CloseDecision, 'audits' | 'writes'> {
  const writes = relabelled(context, file);
  if (writes.length === 0) return { audits: [], writes };
  const place = { file, task, hook: WRITTEN };
  const found = file.digests(['sha256']);
  const sha256 = typeof found === 'string' ? undefined : found.get('sha256');
  const isNext = sha256 !== undefined && context.updaters.succeed(file.path, sha256);
  const audits: AuditEvent[] = [
    updaterEvent('written', place),
    ...(isNext ? [updaterEvent('new-updater', place)] : []),
  ];
  return { audits, writes };
}

/** Where it is not known in what state it was opened, it counts as changed. */
function isUnchanged({ state }: OpenedFile, { written, isMended }: FileMemory): boolean {
  return !isMended && written !== undefined && identityKey(written) === identityKey(state);
}

function rulesFor(
  { policy }: AccessContext,
  { file, task }: Pick<CloseQuestion, 'file' | 'task'>,
  hook: HookCall,
): Evaluation {
  const { owner, group } = file.state;
  const event = { ...hook, subject: task.subject(), file: { ...file.fileSystem, owner, group } };
  return evaluate(policy, event, ['appraise', 'hash']);
}

function relabelled({ setup }: AccessContext, file: OpenedFile): KernelWrite[] {
  const { imaHash } = setup.kernel;
  const old = file.xattr('security.ima');
  if (isSigned(old, file.xattr('security.evm'))) return [];
  const digests = file.digests([imaHash]);
  const value = typeof digests === 'string' ? undefined : digests.get(imaHash);
  if (value === undefined) return [];
  const label = kernelLabel({ algorithm: imaHash, value });
  if (old instanceof Uint8Array && equalBytes(old, label)) return [];
  return [{ name: 'security.ima', value: label }, ...hmacBeside(label, file, setup.evm)];
}

/** IMA_DIGSIG; nor is written what cannot be read. */
function isSigned(label: XattrAnswer, evm: XattrAnswer): boolean {
  if (typeof label === 'string') return true;
  return label?.[0] === LABEL_TYPES.signature || (evm instanceof Uint8Array && evm[0] === LABEL_TYPES.portable);
}
