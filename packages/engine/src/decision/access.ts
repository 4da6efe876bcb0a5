import {
  decideAccess,
  kernelLabel,
  labelAlgorithm,
  type AccessDecision,
  type AccessedFile,
  type AppraisalMemory,
  type AppraisingKernel,
  type Collected,
  type EvmResult,
  type KernelWrite,
} from '@assay/core/appraisal';
import { equalBytes } from '@assay/core/bytes';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import type { ComputedDigest } from '@assay/core/label';
import { ACCESS, evaluate, type ActivePolicy, type EventFunction, type Evaluation } from '@assay/core/policy';
import { IMA_PCR, type EntryDraft } from '../drafts.ts';
import { fileEvent, integrityEvent, updaterEvent, violationRecord, type AuditPlace } from './audit.ts';
import type {
  AccessQuestion,
  AuditEvent,
  Decision,
  FileMemory,
  HookCall,
  OpenedModsig,
  XattrAnswer,
} from './contract.ts';
import { fileEntry, hasOldDigest, typedDigest, violationEntry, type EntryFile } from './entry.ts';
import { remembered, type OwnMemory } from './memory.ts';
import { evmOf, hmacBeside } from './metadata.ts';
import { contentVerdict, modsigVerdict } from './signatures.ts';
import type { DeciderSetup } from './setup.ts';
import { asksForLabel, type Updaters } from './updater.ts';

/** What decides besides the question. */
export interface AccessContext {
  readonly setup: DeciderSetup;
  readonly policy: ActivePolicy;
  readonly kernel: AppraisingKernel;
  /** Part of the key of a cached verdict. */
  readonly subjectKey: string;
  readonly updaters: Updaters;
}

/** ima_main.c, process_measurement */
const VIOLATED: ReadonlySet<EventFunction> = new Set(['FILE_CHECK', 'MMAP_CHECK', 'MMAP_CHECK_REQPROT']);

/** One access on its way through the hooks, with what becomes known of the file. */
export class Access {
  readonly #context: AccessContext;
  readonly #question: AccessQuestion;
  readonly #memory: OwnMemory;
  readonly #entries: EntryDraft[] = [];
  readonly #audits: AuditEvent[] = [];
  readonly #writes: KernelWrite[] = [];
  readonly #digests = new Map<HashName, Uint8Array>();
  readonly #xattrs = new Map<string, XattrAnswer>();
  /** null: the file has none. */
  #modsig: OpenedModsig | null | undefined;
  #lost: Decision['lost'];
  #opensForWriting = false;
  #allowed = true;
  /** Whether the same access may be allowed again without asking. */
  #isSettled = true;

  constructor(context: AccessContext, question: AccessQuestion) {
    this.#context = context;
    this.#question = question;
    this.#memory = remembered(question, context.setup.epoch);
  }

  /** Asks the hooks in their order; the first that denies is the last. */
  decide(): Decision {
    for (const hook of this.#question.hooks) {
      this.#ask(hook);
      if (!this.#allowed) break;
    }
    return this.#answer();
  }

  #ask(hook: HookCall): void {
    const { policy } = this.#context;
    const { file, task } = this.#question;
    const { owner, group } = file.state;
    const about = { func: hook.func, mask: hook.mask, file: { ...file.fileSystem, owner, group } };
    const rules = evaluate(policy, { ...about, subject: task.subject() });
    if (VIOLATED.has(hook.func) && policy.classes.has('measure')) this.#checkViolation(hook, rules);
    if ((hook.mask & ACCESS.MAY_WRITE) !== 0) this.#openForWriting();
    if (rules.actions.has('hash')) this.#hash();
    const measures = rules.actions.has('measure') && !this.#memory.measured.has(rules.pcr ?? IMA_PCR);
    const audits = rules.actions.has('audit') && !this.#memory.audited;
    const appraises = rules.actions.has('appraise');
    if (!measures && !audits && !appraises) return;
    this.#perform(hook, rules, { measures, audits });
  }

  #openForWriting(): void {
    const { policy, updaters } = this.#context;
    const { file, task } = this.#question;
    this.#opensForWriting = true;
    // Now, while it waits: when the file is closed the task may be gone.
    this.#memory.isUpdated ||= updaters.include(task) && asksForLabel(policy, file, task);
  }

  #hash(): void {
    this.#memory.isHashed = true;
    this.#memory.updatesLabel ||= !this.#memory.hashed;
    this.#memory.hashed = true;
  }

  #perform(
    hook: HookCall,
    rules: Evaluation,
    { measures, audits }: { readonly measures: boolean; readonly audits: boolean },
  ): void {
    const template = rules.template ?? this.#context.setup.kernel.template;
    const appraises = rules.actions.has('appraise');
    const isKnown = appraises && this.#memory.appraisal.passed.has(rules.slot ?? 'file');
    const needsDigest = measures || audits || !isKnown;
    const collected = needsDigest ? this.#collect(rules, template, measures) : 'failed';
    if (measures) this.#measure(rules, template, collected);
    if (appraises) this.#appraise(hook, rules, collected);
    else if (typeof collected === 'string') this.#tell(hook, rules, uncollected(collected), false);
    if (audits && typeof collected !== 'string') {
      this.#audits.push(fileEvent(collected, this.#place(hook, rules, 'audit')));
      this.#memory.audited = true;
    }
  }

  /** ima_main.c, ima_rdwr_violation_check */
  #checkViolation(hook: HookCall, rules: Evaluation): void {
    const { file } = this.#question;
    if ((hook.mask & ACCESS.MAY_WRITE) !== 0) {
      if (this.#memory.mayBeTomtou && file.hasReaders() !== false) this.#violate('ToMToU', hook, rules);
      return;
    }
    if (!rules.actions.has('measure')) return;
    this.#memory.mayBeTomtou = true;
    const hasWriters = file.hasWriters() === true;
    if (hasWriters && !this.#memory.toldOpenWriters) this.#violate('open_writers', hook, rules);
    this.#memory.toldOpenWriters = hasWriters;
  }

  #violate(cause: 'ToMToU' | 'open_writers', hook: HookCall, rules: Evaluation): void {
    const { template, imaHash } = this.#context.setup.kernel;
    this.#entries.push(violationEntry(this.#entryFile(rules), template, imaHash));
    this.#tell(hook, rules, violationRecord(cause), false);
    if (cause === 'ToMToU') this.#memory.mayBeTomtou = false;
    this.#isSettled = false;
  }

  #measure(rules: Evaluation, template: string, collected: Collected): void {
    const { imaHash } = this.#context.setup.kernel;
    if (collected === 'failed' || collected === 'no-verity-digest') return;
    const digest = typeof collected === 'string' ? zeros(imaHash) : collected;
    const old = hasOldDigest(template) ? this.#oldDigest(digest) : digest;
    const shown = typedDigest(template, old, rules.demands.verity ? 'verity' : 'ima');
    const pcr = rules.pcr ?? IMA_PCR;
    this.#entries.push(fileEntry(this.#entryFile(rules), template, shown, pcr));
    this.#memory.measured.add(pcr);
  }

  /** Templates without the name of the algorithm hold MD5 or SHA-1 (ima_template_lib.c, ima_eventdigest_init). */
  #oldDigest(digest: ComputedDigest): ComputedDigest {
    if (digest.algorithm === 'sha1' || digest.algorithm === 'md5') return digest;
    const value = this.#digests.get('sha1');
    return value === undefined ? zeros('sha1') : { algorithm: 'sha1', value };
  }

  #collect(rules: Evaluation, template: string, measures: boolean): Collected {
    const { file, isDirect } = this.#question;
    if (rules.demands.verity) return file.verity() ?? 'no-verity-digest';
    if (isDirect === true) return 'failed(directio)';
    const algorithm = this.#algorithmFor(rules, template);
    const { algorithms, moduleAlgorithms } = this.#context.setup.kernel.profile;
    if (![...algorithms, ...moduleAlgorithms].includes(algorithm)) return 'failed';
    const wanted = new Set<HashName>([algorithm, ...(measures ? oldAlgorithms(template, algorithm) : [])]);
    const missing = [...wanted].filter((name) => !this.#digests.has(name));
    if (missing.length > 0) {
      const found = file.digests(missing);
      if (typeof found === 'string') {
        this.#lost = found;
        return 'failed';
      }
      for (const [name, value] of found) this.#digests.set(name, value);
    }
    const value = this.#digests.get(algorithm);
    return value === undefined ? 'failed' : { algorithm, value };
  }

  /** That of the label, at which the kernel does not look for the first template alone. */
  #algorithmFor(rules: Evaluation, template: string): HashName {
    const { kernel, setup } = this.#context;
    const ignoresLabel = template === 'ima' && !rules.actions.has('appraise');
    const label = ignoresLabel ? null : this.#xattr('security.ima');
    return labelAlgorithm(label instanceof Uint8Array ? label : null, setup.kernel.imaHash, kernel);
  }

  #appraise(hook: HookCall, rules: Evaluation, collected: Collected): void {
    const { kernel } = this.#context;
    const { file, isDirect } = this.#question;
    const access = { writes: (hook.mask & ACCESS.MAY_WRITE) !== 0, creates: this.#creates(hook) };
    const mapped = rules.slot === 'mmap' && file.hasWriters() === true;
    const accessed = this.#accessedFile(rules, collected);
    const before = this.#memory.appraisal;
    const more = { isDirect: isDirect === true, isMappedForWriting: mapped };
    const found = decideAccess(rules, { ...access, ...more }, accessed, kernel, before);
    if (!found.passes && this.#isUpdated(hook, rules, found, collected)) return;
    this.#memory.appraisal = memoryAfter(found, before);
    const { slot = 'file' } = rules;
    if (slot === 'file' && found.status !== undefined) {
      this.#memory.fileStatus = found.status === 'pass' ? 'passed' : 'failed';
    }
    this.#memory.isMended ||= found.writes.some((write) => write.name === 'security.ima' && this.#changes(write));
    for (const record of found.records) this.#tell(hook, rules, record, !found.allowed);
    this.#write(found.writes);
    if (!found.passes) this.#isSettled = false;
    this.#allowed = found.allowed;
    this.#memory.updatesLabel ||= access.writes && found.allowed;
  }

  /** Writing the same value again changes nothing, not even the ctime. */
  #changes({ name, value }: KernelWrite): boolean {
    const before = this.#xattr(name);
    return value !== null && !(before instanceof Uint8Array && equalBytes(before, value));
  }

  /** A file that is empty and has not changed since its birth is one that this opening made, or could as well have made. */
  #creates(hook: HookCall): boolean {
    const { file, creates } = this.#question;
    if (creates !== undefined) return creates;
    const { size, birthTime, changeTime } = file.state;
    return (hook.mask & ACCESS.MAY_WRITE) !== 0 && size === 0n && birthTime === changeTime;
  }

  #accessedFile(rules: Evaluation, collected: Collected): AccessedFile {
    const { setup } = this.#context;
    const { file } = this.#question;
    const label = this.#xattr('security.ima');
    const isKnown = this.#memory.appraisal.passed.has(rules.slot ?? 'file');
    const evm: EvmResult =
      setup.evm === undefined || isKnown ? { status: 'unknown', writes: [] } : evmOf(file, setup.evm);
    const modsig = this.#appended(rules);
    this.#memory.isMended ||= evm.writes.some((write) => this.#changes(write));
    this.#write(evm.writes);
    return {
      label: label === 'unsupported' ? null : label,
      hasXattrs: label !== 'unsupported',
      evm: evm.status,
      signature: (raw, digest) => contentVerdict(raw, digest, setup),
      empty: file.state.size === 0n,
      isImmutable: this.#isImmutable(),
      collected,
      ...(modsig === undefined ? {} : { modsig: modsigVerdict(modsig, setup.keys) }),
      ...(evm.repair === undefined ? {} : { evmRepair: evm.repair }),
      ...(file.fileSystem.unverifiable === undefined ? {} : { unverifiable: file.fileSystem.unverifiable }),
    };
  }

  /** Of interest where the kernel would write a label. */
  #isImmutable(): boolean {
    const { file } = this.#question;
    return this.#context.kernel.mode === 'fix' && (file.fileSystem.isReadOnly === true || file.isImmutable());
  }

  /**
   * Whether an updater writes the file at this time, the task acts for one, and a new hash label is all that is wanted. It
   * passes then, and gets its label when it is closed, or now if it is used before. What nobody but others wrote does not:
   * that an updater uses it makes nothing good.
   */
  #isUpdated(hook: HookCall, rules: Evaluation, found: AccessDecision, collected: Collected): boolean {
    const { cause = '' } = found;
    if (!this.#memory.isUpdated || rules.demands.signature || !MENDED.has(cause)) return false;
    if (!this.#context.updaters.include(this.#question.task)) return false;
    this.#isSettled = false;
    if ((hook.mask & ACCESS.MAY_WRITE) !== 0) return true;
    if (typeof collected === 'string') return false;
    this.#write([{ name: 'security.ima', value: kernelLabel(collected) }]);
    this.#audits.push(updaterEvent(cause, this.#place(hook, rules, 'appraise')));
    return true;
  }

  /** What the kernel's own setxattr would have EVM write goes with it. The event then asks again: the ctime has changed. */
  #write(writes: readonly KernelWrite[]): void {
    for (const write of writes) {
      this.#xattrs.set(write.name, write.value);
      const isLabel = write.name === 'security.ima' && write.value !== null;
      const hmac = isLabel ? hmacBeside(write.value, this.#question.file, this.#context.setup.evm) : [];
      for (const { name, value } of hmac) this.#xattrs.set(name, value);
      this.#writes.push(write, ...hmac);
      this.#isSettled = false;
    }
  }

  #tell(hook: HookCall, rules: Evaluation, record: Parameters<typeof integrityEvent>[0], denied: boolean): void {
    const place = this.#place(hook, rules, record.type === 'INTEGRITY_PCR' ? 'measure' : 'appraise');
    this.#audits.push(integrityEvent(record, place, denied, this.#context.kernel));
  }

  #place(hook: HookCall, rules: Evaluation, action: 'measure' | 'appraise' | 'audit'): AuditPlace {
    const { file, task } = this.#question;
    return { file, task, hook, rule: rules.decisions.get(action)?.rule };
  }

  #entryFile(rules: Evaluation): EntryFile {
    const { file } = this.#question;
    const { path, state } = file;
    return { path, state, xattr: (name) => this.#xattr(name), modsig: this.#appended(rules) };
  }

  /** Of the content, which is read for it once. */
  #appended({ demands }: Evaluation): OpenedModsig | undefined {
    if (!demands.modsig) return undefined;
    this.#modsig ??= this.#question.file.modsig() ?? null;
    return this.#modsig ?? undefined;
  }

  #xattr(name: string): XattrAnswer {
    const known = this.#xattrs.get(name);
    if (known !== undefined) return known;
    const found = this.#question.file.xattr(name);
    this.#xattrs.set(name, found);
    return found;
  }

  /** Who is refused closes nothing. */
  #writers(): Pick<FileMemory, 'written' | 'writers'> {
    const { file, openings = 1 } = this.#question;
    const { written = file.state, writers } = this.#memory;
    return this.#opensForWriting && this.#allowed ? { written, writers: writers + openings } : { writers };
  }

  #answer(): Decision {
    const { file } = this.#question;
    const { epoch } = this.#context.setup;
    const isSteady = this.#lost === undefined && this.#allowed && file.isSteady();
    const isKept = isSteady && this.#writes.length === 0;
    const isUpdated = this.#memory.isUpdated && (this.#allowed || this.#question.memory?.isUpdated === true);
    const memory = {
      ...this.#memory,
      ...this.#writers(),
      isUpdated,
      seen: file.state,
      of: isKept ? { identity: file.state, epoch } : undefined,
    };
    return {
      allowed: this.#allowed,
      entries: this.#entries,
      ...(this.#lost === undefined ? {} : { lost: this.#lost }),
      audits: this.#audits,
      writes: this.#writes,
      memory,
      ...(isSteady && this.#isSettled ? { cache: { epoch, subject: this.#context.subjectKey } } : {}),
    };
  }
}

/** What content a hash label would mend. */
const MENDED: ReadonlySet<string> = new Set(['missing-hash', 'invalid-hash', 'missing-HMAC', 'invalid-HMAC']);

/**
 * Stricter than the kernel, which forgets after the first access that the algorithm of a label is not allowed: it has
 * remembered by then that the content is right.
 */
function memoryAfter({ cause, memory }: AccessDecision, before: AppraisalMemory): AppraisalMemory {
  const { passed, fulfilled } = before;
  return cause === 'denied-hash-algorithm' ? { ...memory, passed, fulfilled } : memory;
}

function uncollected(cause: string): Parameters<typeof integrityEvent>[0] {
  return { type: 'INTEGRITY_DATA', op: 'collect_data', cause, success: false, name: 'component' };
}

function zeros(algorithm: HashName): ComputedDigest {
  return { algorithm, value: new Uint8Array(hashAlgorithm(algorithm).size) };
}

function oldAlgorithms(template: string, algorithm: HashName): HashName[] {
  return hasOldDigest(template) && algorithm !== 'md5' ? ['sha1'] : [];
}
