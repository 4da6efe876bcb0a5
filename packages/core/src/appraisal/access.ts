import type { ComputedDigest } from '../label/index.ts';
import { hasVersion, NO_DEMANDS, type Demands, type Evaluation } from '../policy/index.ts';
import { appraise, type AppraisedFile } from './appraise.ts';
import { labelAlgorithm } from './label-algorithm.ts';
import type { IntegrityRecord } from './record.ts';
import type { AppraisingKernel, IntegrityStatus, KernelWrite } from './status.ts';

/** What the rules say of an access; the result of `evaluate` is one. What they demand adds to what was demanded before. */
export type AppraisalRules = Pick<Evaluation, 'actions' | 'demands' | 'slot' | 'algorithms'>;

type Slot = NonNullable<Evaluation['slot']>;

/** What the kernel remembers of a file while its inode is in memory; an empty one for a file that it has not seen. */
export interface AppraisalMemory {
  /** Slots in which the file has passed; failures are not remembered. */
  readonly passed: ReadonlySet<Slot>;
  /** IMA_DIGSIG: the label is a signature, or a portable one covers it. The file is not opened for writing any more. */
  readonly isSigned: boolean;
  /** IMA_NEW_FILE: created, and not closed by its last writer yet. */
  readonly isNew: boolean;
  /**
   * What was demanded of any access so far: it stays demanded of all others (iint->flags), also after a change of the
   * content, until mode or owner change.
   */
  readonly demands: Demands;
  /**
   * What was demanded in each slot when it passed. Who does not know whether the file is still the same keeps it without
   * `passed`: the file is asked again then, and no more is demanded in a slot that has passed than the kernel had demanded.
   */
  readonly fulfilled: ReadonlyMap<Slot, Demands>;
}

export const NOTHING_REMEMBERED: AppraisalMemory = {
  fulfilled: new Map(),
  passed: new Set(),
  isSigned: false,
  isNew: false,
  demands: NO_DEMANDS,
};

/** What is demanded by either. */
function demandsOf(one: Demands, other: Demands): Demands {
  return {
    signature: one.signature || other.signature,
    sigv3: one.sigv3 || other.sigv3,
    modsig: one.modsig || other.modsig,
    blacklist: one.blacklist || other.blacklist,
    verity: one.verity || other.verity,
    permitDirectio: one.permitDirectio || other.permitDirectio,
    failUnverifiable: one.failUnverifiable || other.failUnverifiable,
  };
}

/**
 * The digest by `labelAlgorithm`, or, where the rules demand fs-verity, the file digest of fs-verity; else why there is
 * none: reading failed, a file without fs-verity, or one opened with O_DIRECT.
 */
export type Collected = ComputedDigest | 'failed' | 'no-verity-digest' | 'failed(directio)';

export interface AppraisedAccess {
  /** MAY_WRITE */
  readonly writes?: boolean;
  /** This open created the file. */
  readonly creates?: boolean;
  /** O_DIRECT */
  readonly isDirect?: boolean;
  /** execveat(2) with AT_EXECVE_CHECK, since 6.14: a script interpreter asks, and enforces by itself. */
  readonly isExecCheck?: boolean;
  /** The file is mapped shared and writable somewhere; of interest to rules of MMAP_CHECK. */
  readonly isMappedForWriting?: boolean;
}

export interface AccessedFile extends Omit<AppraisedFile, 'isNew' | 'isSigned'> {
  readonly collected: Collected;
  /** `.blacklist` holds the digest; with an appended signature its digest. */
  readonly isBlacklisted?: boolean;
}

export interface AccessDecision {
  /** False: EACCES, whatever went wrong. */
  readonly allowed: boolean;
  /** Whether it would be denied with `ima_appraise=enforce`. */
  readonly passes: boolean;
  /** Where the content was compared with the label, or was so before. */
  readonly status?: IntegrityStatus;
  /**
   * The kernel's cause, or where it writes no record: `no-xattr-support`, `blacklisted`, `signed-file-written`.
   * Of an access that passes: what fix mode mended.
   */
  readonly cause?: string;
  readonly records: readonly IntegrityRecord[];
  readonly writes: readonly KernelWrite[];
  readonly memory: AppraisalMemory;
}

type Step = Pick<AccessDecision, 'passes' | 'status' | 'cause' | 'records' | 'writes'> & {
  readonly isSigned?: boolean;
};

/**
 * The answer of the kernel to an access that rules may appraise (ima_main.c, process_measurement). Never throws by itself.
 * It denies in mode `enforce` only. With `off` no rule appraises, but where one for modules, firmware, policies or kexec
 * does so still, it is as `log`.
 */
export function decideAccess(
  rules: AppraisalRules,
  access: AppraisedAccess,
  file: AccessedFile,
  kernel: AppraisingKernel,
  memory: AppraisalMemory = NOTHING_REMEMBERED,
): AccessDecision {
  const demands = rules.actions.size === 0 ? memory.demands : demandsOf(memory.demands, rules.demands);
  if (!rules.actions.has('appraise')) return unappraised(rules, file, { ...memory, demands });
  const isNew = memory.isNew || access.creates === true;
  const content = { ...file, isNew, isSigned: memory.isSigned };
  const { step, ...known } = appraisedSlot(rules, access, content, kernel, { ...memory, demands });
  const isSigned = step.isSigned ?? memory.isSigned;
  const isWritten = access.writes === true && isSigned && !isNew;
  const { passes, cause, ...rest } = isWritten
    ? { ...step, passes: false, cause: step.cause ?? 'signed-file-written' }
    : step;
  return {
    allowed: passes || kernel.mode !== 'enforce',
    passes,
    ...(rest.status === undefined ? {} : { status: rest.status }),
    ...(cause === undefined ? {} : { cause }),
    records: rest.records.map((record) => asExecCheck(record, access, kernel)),
    writes: rest.writes,
    memory: { ...known, isSigned, isNew, demands },
  };
}

/** Also what is only measured or audited is digested, and where that fails the kernel says so each time. */
function unappraised(
  { actions }: AppraisalRules,
  { collected }: AccessedFile,
  memory: AppraisalMemory,
): AccessDecision {
  const isLost = actions.size > 0 && typeof collected === 'string';
  return { allowed: true, passes: true, records: isLost ? uncollected(collected).records : [], writes: [], memory };
}

type Content = AccessedFile & Pick<AppraisedFile, 'isNew' | 'isSigned'>;

type Appraised = Pick<AppraisalMemory, 'passed' | 'fulfilled'> & { readonly step: Step };

/** In a slot that has passed the kernel does not look again. */
function appraisedSlot(
  rules: AppraisalRules,
  access: AppraisedAccess,
  file: Content,
  kernel: AppraisingKernel,
  { passed, fulfilled, demands }: AppraisalMemory,
): Appraised {
  const { slot = 'file' } = rules;
  if (passed.has(slot)) {
    const step = afterMapping({ passes: true, status: 'pass', records: [], writes: [] }, slot, access);
    return { step, passed, fulfilled };
  }
  const asked = demandsOf(fulfilled.get(slot) ?? demands, rules.demands);
  const step = evaluateContent({ ...rules, demands: asked }, access, file, kernel);
  const others = [...fulfilled].filter(([each]) => each !== slot);
  if (!isRemembered(step)) return { step, passed, fulfilled: new Map(others) };
  return { step, passed: new Set([...passed, slot]), fulfilled: new Map([...others, [slot, asked]]) };
}

/** A status of pass is, unless the kernel had to mend the file, or wrote a record of it. */
function isRemembered({ status, records }: Step): boolean {
  return status === 'pass' && !records.some(({ op }) => op === 'appraise_data');
}

/** Digest, black list, label, writers, O_DIRECT, algorithm: in the order of the kernel, which some surprises come from. */
function evaluateContent(
  { demands, slot = 'file', algorithms }: AppraisalRules,
  access: AppraisedAccess,
  file: Content,
  kernel: AppraisingKernel,
): Step {
  const { collected } = file;
  if (collected === 'failed' || collected === 'no-verity-digest') return uncollected(collected);
  const appraised =
    typeof collected === 'string' ? uncollected(collected) : evaluateDigest(collected, file, demands, kernel);
  const mapped = afterMapping(appraised, slot, access);
  // Whatever was wrong is forgiven, not the missing digest alone.
  const step = access.isDirect === true && demands.permitDirectio ? { ...mapped, passes: true } : mapped;
  const label = typeof file.label === 'string' ? null : file.label;
  const algorithm = labelAlgorithm(label, kernel.imaHash, kernel);
  if (!step.passes || algorithms === undefined || algorithms.includes(algorithm)) return step;
  // The status is remembered already: this is said of the first access only.
  const denied = dataRecord('collect_data', 'denied-hash-algorithm', 'path');
  return { ...step, passes: false, cause: denied.cause, records: [...step.records, denied] };
}

function evaluateDigest(
  digest: ComputedDigest,
  file: Content,
  demands: Evaluation['demands'],
  kernel: AppraisingKernel,
): Step {
  const hasModsig = demands.modsig && file.modsig !== undefined;
  const looksUp = demands.blacklist && (hasModsig || (demands.signature && hasVersion(kernel, '6.6')));
  if (looksUp && file.isBlacklisted === true) return { passes: false, cause: 'blacklisted', records: [], writes: [] };
  const { record: written, ...appraisal } = appraise(file, digest, demands, kernel);
  return { ...appraisal, passes: appraisal.status === 'pass', records: written === undefined ? [] : [written] };
}

function uncollected(cause: Exclude<Collected, ComputedDigest>): Step {
  return { passes: false, cause, records: [dataRecord('collect_data', cause, 'component')], writes: [] };
}

/** mmap_violation_check */
function afterMapping(step: Step, slot: Evaluation['slot'], { isMappedForWriting }: AppraisedAccess): Step {
  if (!step.passes || slot !== 'mmap' || isMappedForWriting !== true) return step;
  const mapped = dataRecord('mmap_file', 'mmapped_writers', 'path');
  return { ...step, passes: false, cause: mapped.cause, records: [...step.records, mapped] };
}

function dataRecord(op: IntegrityRecord['op'], cause: string, name: IntegrityRecord['name']): IntegrityRecord {
  return { type: 'INTEGRITY_DATA', op, cause, success: false, name };
}

/** Only the record of the comparison says who enforces. */
function asExecCheck(
  written: IntegrityRecord,
  { isExecCheck }: AppraisedAccess,
  kernel: AppraisingKernel,
): IntegrityRecord {
  const isTold = isExecCheck === true && written.op === 'appraise_data' && hasVersion(kernel, '6.14');
  return isTold ? { ...written, type: 'INTEGRITY_USERSPACE' } : written;
}
