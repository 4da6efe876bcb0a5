import type { AppraisalRules, AppraisingKernel } from '../appraisal/index.ts';
import { evaluate, type ActivePolicy, type EventFile, type EventFunction } from '../policy/index.ts';
import { assumedEvents, type AssumedEvent, type Assumption, type FileKind, type FileRole } from './assumptions.ts';
import { entryCost } from './cost.ts';
import { labelRefusal, type FoundLabel, type LabelledFile } from './label.ts';

/** A regular file of a tree, as a policy sees it. */
export interface PreflightFile extends LabelledFile {
  /** Absolute, one character per byte. */
  readonly path: string;
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
  readonly fileSystem: EventFile;
  readonly role: FileRole;
  readonly isElf: boolean;
}

/** An access that `ima_appraise=enforce` refuses. */
export interface PreflightRefusal {
  readonly assumption: Assumption;
  readonly func: EventFunction;
  readonly uid: number;
  /** Of the rule that demands the label. */
  readonly line: number;
  /** As in the kernel's audit record. */
  readonly cause: string;
}

/** What happens to a file at the first access of each kind. */
export interface PreflightVerdict {
  /** PCR and template of each entry that it brings into the list. */
  readonly entries: readonly { readonly pcr: number; readonly template: string }[];
  readonly appraised: boolean;
  readonly audited: boolean;
  /** Given a hash label when it is written. */
  readonly hashed: boolean;
  /** The first refusal of each assumption. */
  readonly refusals: readonly PreflightRefusal[];
  /** Which assumptions lead to a measurement. */
  readonly measuredBy: readonly Assumption[];
  readonly appraisedBy: readonly Assumption[];
  /** Its content is read and hashed. */
  readonly isRead: boolean;
  /** Another rule decides if what is not known, such as labels of a security module, turns out so. */
  readonly isUncertain: boolean;
  readonly kernelBytes: number;
  readonly listBytes: number;
}

export interface PreflightOptions {
  readonly kernel: AppraisingKernel;
  readonly assumptions: readonly Assumption[];
  /** Ids of the users who execute and read. */
  readonly users: readonly number[];
  /** `ima_template=` */
  readonly template: string;
}

/** PCR of CONFIG_IMA_MEASURE_PCR_IDX */
const DEFAULT_PCR = 10;

interface Appraising {
  readonly event: AssumedEvent;
  readonly line: number;
  /** Place in the rules of the kind. */
  readonly ruled: number;
}

/** What all files of one kind have in common: everything but label, size and path. */
interface KindVerdict
  extends Pick<PreflightVerdict, 'entries' | 'audited' | 'hashed' | 'measuredBy' | 'appraisedBy' | 'isUncertain'> {
  readonly appraising: readonly Appraising[];
  /** What is demanded of labels, each once. */
  readonly rules: readonly AppraisalRules[];
  /** By the causes for which the rules are not met. */
  readonly refusals: Map<string, readonly PreflightRefusal[]>;
  readonly readsContent: boolean;
}

/** Says of each file of a tree what a policy does to it, under stated assumptions about who will use it. */
export class Preflight {
  readonly #policy: ActivePolicy;
  readonly #options: PreflightOptions;
  /** By the object: whoever looks at files makes one for each file system. */
  readonly #kinds = new Map<EventFile, Map<string, KindVerdict>>();

  constructor(policy: ActivePolicy, options: PreflightOptions) {
    this.#policy = policy;
    this.#options = options;
  }

  judge(file: PreflightFile): PreflightVerdict {
    const kind = this.#kindOf(file);
    const { entries, audited, hashed, measuredBy, appraisedBy, isUncertain, appraising, readsContent } = kind;
    const costs = entries.map(({ template }) => entryCost(template, file.path.length, signatureLength(file.label)));
    return {
      entries,
      audited,
      hashed,
      measuredBy,
      appraisedBy,
      isUncertain,
      appraised: appraising.length > 0,
      refusals: this.#refusals(file, kind),
      isRead: readsContent,
      kernelBytes: costs.reduce((total, cost) => total + cost.kernelBytes, 0),
      listBytes: costs.reduce((total, cost) => total + cost.listBytes, 0),
    };
  }

  #kindOf(file: PreflightFile): KindVerdict {
    const { mode, owner, group, isElf, role, fileSystem } = file;
    const kinds = this.#kinds.get(fileSystem) ?? new Map<string, KindVerdict>();
    this.#kinds.set(fileSystem, kinds);
    const key = `${mode} ${owner} ${group} ${isElf} ${role}`;
    const known = kinds.get(key);
    if (known !== undefined) return known;
    const judged = this.#judgeKind({ mode, owner, group, isElf, role }, { ...fileSystem, owner, group });
    kinds.set(key, judged);
    return judged;
  }

  #judgeKind(kind: FileKind, file: EventFile): KindVerdict {
    const { assumptions, users, kernel, template } = this.#options;
    const events = assumedEvents(kind, assumptions, users, kernel);
    const answered = events.map((event) => ({ event, answer: evaluate(this.#policy, { ...event, file }) }));
    const measuring = answered.filter(({ answer }) => answer.actions.has('measure'));
    const byPcr = new Map<number, string>();
    for (const { answer } of measuring) {
      const pcr = answer.pcr ?? DEFAULT_PCR;
      if (!byPcr.has(pcr)) byPcr.set(pcr, answer.template ?? template);
    }
    const appraising = answered.filter(({ answer }) => answer.actions.has('appraise'));
    const rules = new Map(appraising.map(({ answer }) => [keyOf(answer), answer]));
    const keys = [...rules.keys()];
    return {
      entries: Array.from(byPcr, ([pcr, name]) => ({ pcr, template: name })),
      audited: answered.some(({ answer }) => answer.actions.has('audit')),
      hashed: answered.some(({ answer }) => answer.actions.has('hash')),
      measuredBy: [...new Set(measuring.map(({ event }) => event.assumption))],
      appraisedBy: [...new Set(appraising.map(({ event }) => event.assumption))],
      isUncertain: answered.some(({ answer }) =>
        [...answer.decisions.values()].some(({ possible }) => possible.length > 0),
      ),
      appraising: appraising.map(({ event, answer }) => {
        const line = answer.decisions.get('appraise')?.rule?.line ?? 0;
        return { event, line, ruled: keys.indexOf(keyOf(answer)) };
      }),
      rules: [...rules.values()],
      refusals: new Map(),
      // The digest of fs-verity is there already.
      readsContent: answered.some(({ answer }) => !answer.demands.verity && needsContent(answer.actions)),
    };
  }

  /** Files of one kind that fail alike share one list. */
  #refusals(file: PreflightFile, { appraising, rules, refusals }: KindVerdict): readonly PreflightRefusal[] {
    const causes = rules.map((each) => labelRefusal(file, each, this.#options.kernel));
    const key = causes.join();
    const known = refusals.get(key) ?? refusalsFor(causes, appraising);
    refusals.set(key, known);
    return known;
  }
}

/** The same for rules that demand the same of a label. */
function keyOf({ demands, algorithms }: AppraisalRules): string {
  return JSON.stringify([demands, algorithms]);
}

/** The first of each assumption. */
function refusalsFor(
  causes: readonly (string | undefined)[],
  appraising: readonly Appraising[],
): readonly PreflightRefusal[] {
  const refusals = new Map<Assumption, PreflightRefusal>();
  for (const { event, line, ruled } of appraising) {
    const { assumption, func, subject } = event;
    const cause = causes[ruled];
    if (cause === undefined || refusals.has(assumption)) continue;
    refusals.set(assumption, { assumption, func, uid: subject.uid, line, cause });
  }
  return [...refusals.values()];
}

function needsContent(actions: ReadonlySet<string>): boolean {
  return actions.has('measure') || actions.has('appraise') || actions.has('audit');
}

const SIGNATURE_TYPES: ReadonlySet<number | undefined> = new Set([3, 6]);

function signatureLength(label: FoundLabel): number {
  return label !== null && typeof label !== 'string' && SIGNATURE_TYPES.has(label[0]) ? label.length : 0;
}
