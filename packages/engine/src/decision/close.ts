import { kernelLabel, NOTHING_REMEMBERED, type KernelWrite } from '@assay/core/appraisal';
import { equalBytes } from '@assay/core/bytes';
import { LABEL_TYPES } from '@assay/core/label';
import { ACCESS, evaluate, type Evaluation } from '@assay/core/policy';
import { identityKey } from '@assay/linux/files';
import { NO_MEMORY, type AccessContext } from './access.ts';
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
import { hmacBeside } from './metadata.ts';
import { actsForUpdater } from './updater.ts';

const WRITTEN: HookCall = { func: 'FILE_CHECK', mask: ACCESS.MAY_WRITE };

/**
 * What the kernel does when the last writer closes a file that was changed (ima_main.c, ima_check_last_writer; ima_appraise.c,
 * ima_update_xattr): what was known of the content is forgotten, and where a rule appraises or hashes the file, it gets a
 * new hash label, unless its label is a signature.
 */
export function decideClose(context: AccessContext, { file, task, memory = NO_MEMORY }: CloseQuestion): CloseDecision {
  if (isUnchanged(file, memory)) return { audits: [], writes: [], memory };
  const rules = rulesFor(context, { file, task });
  const isWanted = rules.actions.has('appraise') || rules.actions.has('hash');
  const forgotten = { ...NO_MEMORY, mayBeTomtou: memory.mayBeTomtou, appraisal: NOTHING_REMEMBERED };
  const byUpdater = isWanted && actsForUpdater(task, context.updaters);
  const mayLabel = byUpdater || (isWanted && context.setup.relabel === 'writers');
  const writes = mayLabel ? relabelled(context, file) : [];
  const audits: AuditEvent[] =
    byUpdater && writes.length > 0 ? [updaterEvent('written', { file, task, hook: WRITTEN })] : [];
  return { audits, writes, memory: forgotten };
}

/** Where it is not known in what state it was opened, it counts as changed. */
function isUnchanged({ state }: OpenedFile, { written }: FileMemory): boolean {
  return written !== undefined && identityKey(written) === identityKey(state);
}

function rulesFor({ policy }: AccessContext, { file, task }: Pick<CloseQuestion, 'file' | 'task'>): Evaluation {
  const { owner, group } = file.state;
  const event = { ...WRITTEN, subject: task.subject(), file: { ...file.fileSystem, owner, group } };
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
