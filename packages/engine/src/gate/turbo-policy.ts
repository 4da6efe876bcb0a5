import { fieldsOf } from '@assay/core/measurement';
import { createDecider } from '../decision/decider.ts';
import type { DeciderSetup } from '../decision/setup.ts';

/** Of owner, mode and labels, which change without a lease's being broken. */
const OF_METADATA: ReadonlySet<string> = new Set([
  'sig',
  'evmsig',
  'xattrnames',
  'xattrlengths',
  'xattrvalues',
  'iuid',
  'igid',
  'imode',
]);

/**
 * Why no file can go without an event under this policy: its verdicts depend on more than the content. Whether a label was
 * looked at is known of each file, and need not be asked here.
 * @returns undefined where files can
 */
export function whyNoTurbo(setup: DeciderSetup): string | undefined {
  const { events, needsSubject, wantsFlags } = createDecider(setup);
  if (needsSubject) return 'a rule asks who opens a file';
  if (setup.rules.some(({ rule }) => rule.ids.size > 0)) return 'a rule asks whose a file is';
  if (events === 'open' && wantsFlags) return 'it matters for what a file is opened (rules of FILE_CHECK, updaters)';
  const templates = [setup.kernel.template, ...setup.rules.flatMap(({ rule }) => rule.template ?? [])];
  const metadata = templates.find((template) => fieldsOf(template).some((field) => OF_METADATA.has(field)));
  return metadata === undefined ? undefined : `the template ${metadata} holds labels or owners`;
}
