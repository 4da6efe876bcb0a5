import { printable, toHex } from '@assay/core/bytes';
import { parseImaLabel } from '@assay/core/label';
import { AssayError } from '@assay/core/errors';
import { activate, explain, maskText, plainSubject, type ClassExplanation } from '@assay/core/policy';
import { digestText } from '@assay/core/measurement';
import { ExplainedFile } from '@assay/engine';
import { createDecider, type Decision, type HookCall } from '@assay/engine/decision';
import { z } from 'zod';
import { causeText } from '../engine/causes.ts';
import { auditText, type ShownAudit } from '../engine/status.ts';
import { AskingOptions, DecidingOptions } from '../engine/options.ts';
import { seenAudits } from '../engine/seen.ts';
import { chooseSetup, type ChosenSetup } from '../engine/setup.ts';
import { EXIT } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours, shown } from '../output/terminal.ts';

const ACCESSES = ['exec', 'read', 'write'] as const;

const ExplainOptions = DecidingOptions.extend(AskingOptions.shape).extend({
  as: z.enum(ACCESSES),
  uid: z.coerce.number('is no id').int().min(0).max(4294967294, 'is over 4294967294'),
});
type Options = z.infer<typeof ExplainOptions>;

/** include/uapi/asm-generic/fcntl.h: O_RDONLY and O_WRONLY */
const FLAGS = { read: 0, write: 1 } as const;

interface ExplainedHook {
  readonly hook: HookCall;
  readonly classes: readonly ClassExplanation[];
}

interface Explained {
  readonly path: string;
  readonly options: Options;
  readonly policy: string;
  readonly hooks: readonly ExplainedHook[];
  readonly label: string;
  readonly decision: Decision;
  readonly cause: string | undefined;
  /** What a running engine remembers of it. */
  readonly seen: readonly ShownAudit[];
}

/** `assay engine explain PATH`: exit code 1 where enforce would refuse it. */
export async function explainFile(given: unknown, flags: unknown): Promise<number> {
  const options = optionsFrom(ExplainOptions, flags);
  const path = z.string().min(1).parse(given);
  const chosen = await chooseSetup(options, 'enforce');
  const decided = explainedFile(path, options, chosen);
  const explained = { ...decided, seen: await seenAudits(options.directory, decided.path) };
  if (options.output === 'json') printJson(documentOf(explained));
  else process.stdout.write([...textOf(explained)].join(''));
  return explained.decision.allowed ? EXIT.fine : EXIT.no;
}

/** The same decision that the engine makes of an event, without one. */
function explainedFile(path: string, options: Options, { setup, policy }: ChosenSetup): Omit<Explained, 'seen'> {
  using found = new ExplainedFile(path, options.as === 'write');
  const { file } = found;
  const subject = plainSubject(options.uid, options.uid);
  const task = { ...found.task, subject: () => subject };
  const decider = createDecider(setup);
  const event = options.as === 'exec' ? { isExec: true } : { isExec: false, flags: FLAGS[options.as] };
  const hooks = decider.hooksOf(event, file);
  const active = activate(setup.rules, setup.kernel.profile, { failSecurely: setup.failSecurely });
  const { owner, group } = file.state;
  const facts = { ...file.fileSystem, owner, group };
  const decision = decider.decide({ file, task, hooks });
  return {
    path: printable(file.path),
    options,
    policy: policy.name,
    hooks: hooks.map((hook) => ({ hook, classes: explain(active, { ...hook, subject, file: facts }) })),
    label: labelText(file.xattr('security.ima')),
    decision,
    cause: causeOf(decision),
  };
}

function causeOf({ audits, allowed }: Decision): string | undefined {
  const found = audits.find(({ denied }) => denied)?.cause;
  return allowed ? undefined : (found ?? 'signed-file-written');
}

function labelText(value: ReturnType<ExplainedFile['file']['xattr']>): string {
  if (value === null) return 'none';
  if (typeof value === 'string') return value === 'unsupported' ? 'the file system keeps none' : 'cannot be read';
  try {
    const label = parseImaLabel(value);
    if (label.kind === 'digest') return `digest ${label.algorithm}:${toHex(label.digest)}`;
    if (label.kind === 'signature-v1') return `signature of version 1 by key ${toHex(label.keyId)}`;
    const of = label.type === 6 ? 'the fs-verity digest' : 'the content';
    return `signature of ${of}, version ${label.version}, ${label.algorithm}, by key ${hexId(label.keyId)}`;
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    return `malformed: ${error.message}`;
  }
}

function hexId(id: number): string {
  return id.toString(16).padStart(8, '0');
}

function documentOf(explained: Explained) {
  const { path, options, policy, hooks, label, decision, cause, seen } = explained;
  return {
    schema: 'assay.engine-explain.v1',
    path,
    access: options.as,
    uid: options.uid,
    policy,
    hooks: hooks.map(({ hook, classes }) => ({
      func: hook.func,
      mask: maskText(hook.mask),
      classes: classes.map(({ class: name, sentence, rule }) => ({
        class: name,
        sentence,
        ...(rule === undefined ? {} : { rule: { line: rule.line, text: rule.text } }),
      })),
    })),
    label,
    result: decision.allowed ? 'allowed' : 'refused',
    ...(cause === undefined ? {} : { cause, ...causeText(cause, path) }),
    entries: decision.entries.map(({ pcr = 10, template, fields }) => ({
      pcr,
      template,
      digest: digestText(fields.digest),
    })),
    seen,
  };
}

function* textOf({ path, options, policy, hooks, label, decision, cause, seen }: Explained): Generator<string> {
  const colour = colours(1);
  const line = (name: string, value: string): string => `${name.padEnd(9)}${value}\n`;
  yield `${shown(path)}: ${ACTIONS[options.as]} by uid ${options.uid}, under ${shown(policy)}\n`;
  const decided = hooks.flatMap(({ hook, classes }) =>
    classes.flatMap(({ sentence, rule }) => {
      const what = `${hook.func} ${maskText(hook.mask)}`;
      return rule === undefined ? [] : [line('rule', `${what}: ${sentence}: ${shown(rule.text)}`)];
    }),
  );
  yield* decided;
  if (decided.length === 0) yield line('rule', 'none matches: it is neither measured nor appraised');
  yield line('label', shown(label));
  for (const { pcr = 10, template, fields } of decision.entries) {
    yield line('entry', `${digestText(fields.digest)} into PCR ${pcr}, ${template}`);
  }
  if (cause === undefined) yield line('result', colour.green('allowed'));
  else {
    const { meaning, next } = causeText(cause, path);
    yield line('result', `${colour.red('refused')} where it is enforced: ${cause}, ${meaning}`);
    yield line('next', shown(next));
  }
  for (const audit of seen) yield line(audit.denied ? 'refused' : 'seen', shown(auditText(audit)));
}

const ACTIONS = { exec: 'executed', read: 'opened for reading', write: 'opened for writing' } as const;
