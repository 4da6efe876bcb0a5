import type { AppraisingKernel } from '@assay/core/appraisal';
import { activate, type ActivePolicy, type EventFunction, type PlacedRule } from '@assay/core/policy';
import { Access, type AccessContext } from './access.ts';
import { decideClose } from './close.ts';
import type { AccessQuestion, CloseDecision, CloseQuestion, Decider, Decision, Task } from './contract.ts';
import { EngineControl } from './control.ts';
import { BY_NAME, hooksOf, loadedAs, mapsOf } from './hooks.ts';
import { NO_MEMORY } from './memory.ts';
import type { DeciderSetup } from './setup.ts';
import { Updaters } from './updater.ts';

/** Functions of which fanotify's events of executions alone tell, or about which no event of a file asks. */
const BY_EXEC: ReadonlySet<string | undefined> = new Set<EventFunction | 'SETXATTR_CHECK'>([
  'BPRM_CHECK',
  'CREDS_CHECK',
  'POLICY_CHECK',
  'CRITICAL_DATA',
  'KEY_CHECK',
  'KEXEC_CMDLINE',
  'SETXATTR_CHECK',
]);

/** Makes the decision of one policy, set of keys and kernel; the same in the engine's threads, in tests and in `explain`. */
export function createDecider(setup: DeciderSetup): Decider {
  const control = new EngineControl(setup.control);
  const policies = { on: activePolicy(setup, false), off: activePolicy(setup, true) };
  const needsSubject = setup.rules.some(looksAtTask);
  const updaters = new Updaters(setup.updaters, control);
  const subjectKey = (task: Task): string => (needsSubject ? JSON.stringify(Object.values(task.subject())) : '');
  const contextFor = (task: Task): AccessContext => {
    const { mode } = control;
    const { profile, imaHash } = setup.kernel;
    const kernel: AppraisingKernel = { version: profile.version, mode, imaHash };
    const policy = mode === 'off' ? policies.off : policies.on;
    return { setup, policy, kernel, updaters, subjectKey: subjectKey(task) };
  };
  const positive = setup.rules.filter(({ rule }) => rule.action?.startsWith('dont_') === false);
  const wantsLabels = positive.some(({ rule }) => rule.action === 'appraise' || rule.action === 'hash');
  // Who writes is asked when the file is opened: when it is closed the process may be gone.
  const wantsWriters = wantsLabels && setup.updaters.length > 0;
  const wantsNames = positive.some(({ rule }) => BY_NAME.has(rule.func));
  const events = !wantsWriters && positive.every(({ rule }) => BY_EXEC.has(rule.func)) ? 'exec' : 'open';
  return {
    epoch: setup.epoch,
    events,
    namesThreads: events === 'open' || needsSubject,
    wantsClose: wantsLabels,
    wantsFlags: wantsWriters || setup.rules.some(({ rule }) => rule.func === undefined || rule.func === 'FILE_CHECK'),
    needsSubject,
    subjectKey,
    wantsNames,
    nameKey: (path) => (wantsNames ? (loadedAs(path) ?? '') : ''),
    mappings: mapsOf(setup.kernel.profile),
    hooksOf: (event, file) => hooksOf(event, file, setup.kernel.profile),
    decide(question): Decision {
      if (control.paused) return allowed(question);
      try {
        const context = contextFor(question.task);
        const decision = new Access(context, question).decide();
        return context.policy === policies.off && policies.on.classes.has('appraise') ? uncached(decision) : decision;
      } catch {
        return undecided(question, control.mode === 'enforce' && policies.on.classes.has('appraise'));
      }
    },
    close(question): CloseDecision {
      const { memory = NO_MEMORY } = question;
      if (control.paused || control.mode === 'off') return { audits: [], writes: [], memory };
      return closed(contextFor(question.task), question);
    },
  };
}

function activePolicy({ rules, failSecurely, kernel }: DeciderSetup, appraiseOff: boolean): ActivePolicy {
  return activate(rules, kernel.profile, { failSecurely, appraiseOff });
}

function looksAtTask({ rule }: PlacedRule): boolean {
  return rule.ids.has('user') || rule.ids.has('group') || rule.labels.size > 0;
}

function allowed({ memory = NO_MEMORY }: AccessQuestion): Decision {
  return { allowed: true, entries: [], audits: [], writes: [], memory };
}

/** What is not appraised now may be in the next moment, by the same decider. */
function uncached({ allowed: isAllowed, entries, lost, audits, writes, memory }: Decision): Decision {
  const told = lost === undefined ? {} : { lost };
  return { allowed: isAllowed, entries, ...told, audits, writes, memory: { ...memory, of: undefined } };
}

/** A fact could not be had. What may be refused then is refused, and what may be missing in the list is told. */
function undecided({ memory = NO_MEMORY }: AccessQuestion, denies: boolean): Decision {
  const forgetting = { ...memory, of: undefined };
  return { allowed: !denies, entries: [], lost: 'file-unreadable', audits: [], writes: [], memory: forgetting };
}

function closed(context: AccessContext, question: CloseQuestion): CloseDecision {
  try {
    return decideClose(context, question);
  } catch {
    return { audits: [], writes: [], memory: NO_MEMORY };
  }
}
