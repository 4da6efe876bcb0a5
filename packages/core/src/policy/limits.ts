import { hasVersion, type KernelProfile } from './profile.ts';
import { refusal, type Refusal } from './refusal.ts';
import { ID_FIELDS, LABEL_FIELDS, type Action, type Draft, type HookFunction, type Part } from './rule.ts';

const FILE_SYSTEM: readonly Part[] = ['fsmagic', 'fsname', 'fs_subtype', 'fsuuid'];

const OF_FILES: readonly Part[] = [
  ...(['func', 'mask', ...FILE_SYSTEM, ...ID_FIELDS, ...LABEL_FIELDS, 'pcr', 'template'] as const),
  ...(['appraise_type', 'appraise_flag', 'appraise_algos', 'permit_directio'] as const),
];
const WITH_VERITY: readonly Part[] = [...OF_FILES, 'digest_type'];
const WITH_MODSIG: readonly Part[] = [...OF_FILES, 'modsig'];

/** Parts that a function allows: the masks of flags in ima_validate_rule. */
const ALLOWED: Readonly<Record<HookFunction, readonly Part[]>> = {
  FILE_CHECK: WITH_VERITY,
  MMAP_CHECK: WITH_VERITY,
  MMAP_CHECK_REQPROT: WITH_VERITY,
  BPRM_CHECK: WITH_VERITY,
  CREDS_CHECK: WITH_VERITY,
  FIRMWARE_CHECK: WITH_VERITY,
  POLICY_CHECK: WITH_VERITY,
  MODULE_CHECK: WITH_MODSIG,
  KEXEC_KERNEL_CHECK: WITH_MODSIG,
  KEXEC_INITRAMFS_CHECK: WITH_MODSIG,
  KEXEC_CMDLINE: ['func', ...FILE_SYSTEM, ...ID_FIELDS, ...LABEL_FIELDS, 'pcr', 'template'],
  KEY_CHECK: ['func', 'uid', 'gid', 'pcr', 'template', 'keyrings'],
  CRITICAL_DATA: ['func', 'uid', 'gid', 'pcr', 'template', 'label'],
  // Labels are no flags, and only the two functions above look for them.
  SETXATTR_CHECK: ['func', 'appraise_algos', ...LABEL_FIELDS],
};

const BUFFERS: readonly Action[] = ['measure', 'dont_measure'];
const ACTIONS_OF: Partial<Record<HookFunction, readonly Action[]>> = {
  KEXEC_CMDLINE: BUFFERS,
  KEY_CHECK: BUFFERS,
  CRITICAL_DATA: BUFFERS,
  SETXATTR_CHECK: ['appraise'],
};

const NEEDS: readonly (readonly [Part, Action])[] = [
  ['pcr', 'measure'],
  ['appraise_type', 'appraise'],
  ['appraise_flag', 'appraise'],
  ['appraise_algos', 'appraise'],
];

/** What ima_validate_rule refuses once all words are read. Before 5.9 there was only the look for an action. */
export function exceededLimit(draft: Draft, profile: KernelProfile): Refusal | undefined {
  const { action, parts } = draft;
  if (action === undefined) return refusal('RULE-ACTION', 'a rule needs an action, such as measure');
  if (!hasVersion(profile, '5.9')) return undefined;
  const needed = NEEDS.find(([part, wanted]) => parts.has(part) && action !== wanted);
  if (needed !== undefined) {
    const [part, wanted] = needed;
    return refusal('RULE-COMBINATION', `${part} needs the action ${wanted}, not ${action}`, parts.get(part));
  }
  return exceededByFunction(draft, action) ?? exceededByAppraisal(draft, action);
}

function exceededByFunction({ func, parts }: Draft, action: Action): Refusal | undefined {
  const actions = func === undefined ? undefined : ACTIONS_OF[func];
  if (actions?.includes(action) === false) {
    const message = `func=${func} takes only the action ${actions.join(' or ')}`;
    return refusal('RULE-COMBINATION', message, parts.get('func'));
  }
  const allowed = func === undefined ? WITH_VERITY : ALLOWED[func];
  for (const [part, token] of parts) {
    if (!allowed.includes(part)) return refusal('RULE-COMBINATION', partText(part, func), token);
  }
  if (func === 'SETXATTR_CHECK' && !parts.has('appraise_algos'))
    return refusal('RULE-COMBINATION', 'func=SETXATTR_CHECK needs appraise_algos', parts.get('func'));
  return undefined;
}

function partText(part: Part, func: HookFunction | undefined): string {
  if (part === 'keyrings') return 'keyrings needs func=KEY_CHECK';
  if (part === 'label') return 'label needs func=CRITICAL_DATA';
  if (part === 'modsig') return 'imasig|modsig needs func=MODULE_CHECK, KEXEC_KERNEL_CHECK or KEXEC_INITRAMFS_CHECK';
  return `func=${func} does not take ${part}`;
}

function exceededByAppraisal({ appraisal, parts, verity }: Draft, action: Action): Refusal | undefined {
  if (parts.has('appraise_flag') && !appraisal.modsig)
    return refusal('RULE-COMBINATION', 'appraise_flag needs appraise_type=imasig|modsig', parts.get('appraise_flag'));
  if (action === 'appraise' && verity && !appraisal.signature) {
    const message = 'appraise with digest_type=verity needs a signature: appraise_type=sigv3';
    return refusal('RULE-COMBINATION', message, parts.get('digest_type'));
  }
  return undefined;
}
