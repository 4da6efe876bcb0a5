import { ruleText } from '../lines.ts';
import type { KernelProfile } from '../profile.ts';
import type { Rule } from '../rule.ts';
import { findingAt, type LintedRule, type LintFinding } from './finding.ts';

/** Templates that carry the signature of a file. */
const CARRYING: readonly (string | undefined)[] = ['ima-sig', 'ima-sigv2', 'ima-modsig', 'evm-sig'];
/** Buffers are no files, and have no signature. */
const BUFFERS: readonly (string | undefined)[] = ['KEXEC_CMDLINE', 'KEY_CHECK', 'CRITICAL_DATA'];

/** The first rule that measures what another one appraises by signature, without putting the signature into the list. */
export function lintSignatures(rules: readonly LintedRule[], { defaultTemplate }: KernelProfile): LintFinding[] {
  const signed = rules.filter(({ rule }) => rule.action === 'appraise' && rule.appraisal.signature);
  const functions = new Set(signed.map(({ rule }) => rule.func));
  const bare = rules.find(({ rule }) => isBare(rule, defaultTemplate) && mayMeetOneOf(rule, functions));
  const met = bare === undefined ? undefined : signed.find(({ rule }) => mayMeet(rule, bare.rule));
  if (bare === undefined || met === undefined) return [];
  const template = templateFor(met.rule);
  const message =
    `line ${met.source.number} demands signatures, and the list shows none of them: ` +
    `${template} does, unless ima_template= names such a template`;
  const text = ruleText(bare.source).replace(/ template=[^ ]+/, '');
  const fix = { safe: false, text: `${text} template=${template}` } as const;
  return [findingAt(bare, 'template=', { code: 'LINT-SIGNATURES', severity: 'note', message, fix })];
}

function isBare({ action, func, template }: Rule, defaultTemplate: string): boolean {
  return action === 'measure' && !BUFFERS.includes(func) && !CARRYING.includes(template ?? defaultTemplate);
}

function mayMeetOneOf({ func }: Rule, functions: ReadonlySet<Rule['func']>): boolean {
  return functions.has(undefined) || (func === undefined ? functions.size > 0 : functions.has(func));
}

function mayMeet(one: Rule, other: Rule): boolean {
  return one.func === undefined || other.func === undefined || one.func === other.func;
}

function templateFor({ appraisal, verity }: Rule): string {
  if (appraisal.modsig) return 'ima-modsig';
  return verity ? 'ima-sigv2' : 'ima-sig';
}
