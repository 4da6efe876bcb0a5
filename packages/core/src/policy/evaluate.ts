import type { CheckedRule } from './check.ts';
import type { EventFunction, PolicyEvent } from './event.ts';
import { conditionsOf, type Condition } from './match.ts';
import type { KernelProfile } from './profile.ts';
import type { Action, Rule } from './rule.ts';

export const ACTION_CLASSES = ['measure', 'appraise', 'audit', 'hash'] as const;
export type ActionClass = (typeof ACTION_CLASSES)[number];

/** Instead of a line: rules that the kernel keeps in front of every policy (`keptRules`). */
export const KEPT_LINE = 0;

/** A rule with its place in the text it comes from. */
export interface PlacedRule {
  /** From 1, or {@link KEPT_LINE}. */
  readonly line: number;
  readonly text: string;
  readonly rule: Rule;
}

/** A rule of a policy that can be asked. */
export interface PreparedRule extends PlacedRule {
  readonly class: ActionClass;
  /** False for the `dont_` actions. */
  readonly positive: boolean;
  readonly conditions: readonly Condition[];
}

/** A policy that is active in a kernel. */
export interface ActivePolicy {
  readonly rules: readonly PreparedRule[];
  /** Classes of which some rule has the positive action; the kernel does not ask for others (ima_policy_flag). */
  readonly classes: ReadonlySet<ActionClass>;
  readonly failSecurely: boolean;
}

export interface ActiveOptions {
  /** `fail_securely` of `ima_policy=`. */
  readonly failSecurely?: boolean;
  /** `ima_appraise=off`. A rule that appraises modules, firmware, policies or the kernel of kexec overrides it. */
  readonly appraiseOff?: boolean;
}

/** The rules that a check accepted, in their order. */
export function acceptedRules(checked: readonly CheckedRule[]): PlacedRule[] {
  return checked.flatMap((rule) => (rule.accepted ? [{ line: rule.line, text: rule.text, rule: rule.rule }] : []));
}

/** What a kernel holds once it has taken these rules (ima_update_policy_flags). */
export function activate(
  rules: readonly PlacedRule[],
  profile: KernelProfile,
  options: ActiveOptions = {},
): ActivePolicy {
  const prepared = rules.map((placed) => prepare(placed, profile));
  const positive = prepared.filter(({ positive: isPositive, rule }) => isPositive && rule.func !== 'SETXATTR_CHECK');
  const classes = new Set(positive.map((rule) => rule.class));
  const isForced = positive.some(({ rule }) => rule.action === 'appraise' && FORCING.has(rule.func));
  if (options.appraiseOff === true && !isForced) classes.delete('appraise');
  return { rules: prepared, classes, failSecurely: options.failSecurely ?? false };
}

/** ima_appraise_flag: a rule for these keeps appraisal on. */
const FORCING: ReadonlySet<string | undefined> = new Set([
  'MODULE_CHECK',
  'FIRMWARE_CHECK',
  'POLICY_CHECK',
  'KEXEC_KERNEL_CHECK',
]);

function prepare(placed: PlacedRule, profile: KernelProfile): PreparedRule {
  const { rule } = placed;
  const [positive, actionClass] = CLASS_OF[rule.action ?? 'measure'];
  return { ...placed, class: actionClass, positive, conditions: conditionsOf(rule, profile) };
}

const CLASS_OF: Readonly<Record<Action, readonly [positive: boolean, actionClass: ActionClass]>> = {
  measure: [true, 'measure'],
  dont_measure: [false, 'measure'],
  appraise: [true, 'appraise'],
  dont_appraise: [false, 'appraise'],
  audit: [true, 'audit'],
  dont_audit: [false, 'audit'],
  hash: [true, 'hash'],
  dont_hash: [false, 'hash'],
};

/** Where a file keeps the result of its appraisal: one slot for rules without function and one for each kind of hook. */
export type AppraisalSlot = 'file' | 'mmap' | 'bprm' | 'creds' | 'read';

/** What matching rules demand besides their action; those of `dont_` rules count, too. */
export interface Demands {
  /** A signature (`appraise_type`). */
  readonly signature: boolean;
  readonly sigv3: boolean;
  /** An appended signature will do. */
  readonly modsig: boolean;
  /** The digest is looked up in the keyring `.blacklist`. */
  readonly blacklist: boolean;
  /** The digest of fs-verity is meant. */
  readonly verity: boolean;
  readonly permitDirectio: boolean;
  /** `fail_securely`: files whose file system can change behind the kernel's back fail. */
  readonly failUnverifiable: boolean;
}

/** How one class of actions is decided. */
export interface Decision {
  /** The first rule that matches for certain. Without one nothing is done. */
  readonly rule?: PreparedRule;
  /** Rules in front of it that decide instead if what is not known of the event turns out so. */
  readonly possible: readonly PreparedRule[];
}

/** What a kernel does at an event, if every rule of which that is not known does not match. */
export interface Evaluation {
  /** For the classes that the kernel asks for. */
  readonly decisions: ReadonlyMap<ActionClass, Decision>;
  /** What is done. A `hash` rule in front of the `appraise` rule is without effect. */
  readonly actions: ReadonlySet<ActionClass>;
  readonly demands: Demands;
  readonly slot?: AppraisalSlot;
  /** Kernel's names of the algorithms that labels may have; not given: any. */
  readonly algorithms?: readonly string[];
  /** Not given: the PCR of CONFIG_IMA_MEASURE_PCR_IDX, 10 everywhere. For buffers a rule's `pcr=0` means that, too. */
  readonly pcr?: number;
  /** Not given: that of `ima_template=`. */
  readonly template?: string;
}

type Draft = { -readonly [Member in keyof Evaluation]: Evaluation[Member] } & {
  actions: Set<ActionClass>;
  decisions: Map<ActionClass, Decision>;
};

/**
 * ima_match_policy (security/integrity/ima/ima_policy.c): the first match decides each class of actions.
 * @param wanted classes to ask for: all when a file is opened, `appraise` and `hash` after chmod and chown
 */
export function evaluate(
  policy: ActivePolicy,
  event: PolicyEvent,
  wanted: readonly ActionClass[] = ACTION_CLASSES,
): Evaluation {
  const open = new Set(wanted.filter((name) => policy.classes.has(name)));
  const draft: Draft = { actions: new Set(), decisions: new Map(), demands: NO_DEMANDS };
  for (const name of open) draft.decisions.set(name, { possible: [] });
  for (const rule of policy.rules) {
    if (open.size === 0) break;
    if (!open.has(rule.class)) continue;
    const matches = matchesEvent(rule, event);
    if (matches === false) continue;
    const possible = draft.decisions.get(rule.class)?.possible ?? [];
    if (matches === undefined) {
      draft.decisions.set(rule.class, { possible: [...possible, rule] });
      continue;
    }
    draft.decisions.set(rule.class, { rule, possible });
    apply(rule, event, policy, draft);
    open.delete(rule.class);
  }
  return draft;
}

/** Undefined where it depends on facts that the event does not tell. */
export function matchesEvent({ conditions }: PreparedRule, event: PolicyEvent): boolean | undefined {
  let isCertain = true;
  for (const { holds } of conditions) {
    const holdsHere = holds(event);
    if (holdsHere === false) return false;
    if (holdsHere === undefined) isCertain = false;
  }
  return isCertain ? true : undefined;
}

/** Of labels, where no rule asks for more. */
export const NO_DEMANDS: Demands = {
  signature: false,
  sigv3: false,
  modsig: false,
  blacklist: false,
  verity: false,
  permitDirectio: false,
  failUnverifiable: false,
};

function apply(prepared: PreparedRule, event: PolicyEvent, policy: ActivePolicy, draft: Draft): void {
  const { rule, positive } = prepared;
  draft.demands = withDemands(draft.demands, rule);
  if (positive) draft.actions.add(prepared.class);
  if (positive && prepared.class === 'appraise') {
    draft.actions.delete('hash');
    draft.slot = rule.func === undefined ? 'file' : (SLOTS[event.func] ?? 'read');
    if (policy.failSecurely) draft.demands = { ...draft.demands, failUnverifiable: true };
    if (rule.appraiseAlgos !== undefined) draft.algorithms = rule.appraiseAlgos;
  }
  if (rule.pcr !== undefined && !(rule.pcr === 0 && BUFFERS.has(event.func))) draft.pcr = rule.pcr;
  if (rule.template !== undefined) draft.template = rule.template;
}

function withDemands(demands: Demands, { appraisal, verity, permitDirectio }: Rule): Demands {
  return {
    signature: demands.signature || appraisal.signature,
    sigv3: demands.sigv3 || appraisal.sigv3,
    modsig: demands.modsig || appraisal.modsig,
    blacklist: demands.blacklist || appraisal.blacklist,
    verity: demands.verity || verity,
    permitDirectio: demands.permitDirectio || permitDirectio,
    failUnverifiable: demands.failUnverifiable,
  };
}

/** get_subaction, for rules that name a function */
const SLOTS: Partial<Record<EventFunction, AppraisalSlot>> = {
  FILE_CHECK: 'file',
  POST_SETATTR: 'file',
  MMAP_CHECK: 'mmap',
  MMAP_CHECK_REQPROT: 'mmap',
  BPRM_CHECK: 'bprm',
  CREDS_CHECK: 'creds',
};

/** process_buffer_measurement takes a PCR of 0 for one that is not set. */
const BUFFERS: ReadonlySet<EventFunction> = new Set(['KEXEC_CMDLINE', 'KEY_CHECK', 'CRITICAL_DATA']);

/**
 * The algorithms that labels may be set with: those of the first SETXATTR_CHECK rule, and later ones are without effect.
 * @returns undefined without such a rule: what the kernel can compute is allowed
 */
export function labelAlgorithms(rules: readonly PlacedRule[]): readonly string[] | undefined {
  return rules.find(({ rule }) => rule.func === 'SETXATTR_CHECK')?.rule.appraiseAlgos;
}
