import {
  evaluate,
  explain,
  rulePlace,
  type ClassExplanation,
  type Evaluation,
  type OtherRule,
  type PolicyEvent,
} from '@assay/core/policy';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { chooseKernel, type ChosenKernel } from '../kernel-profile.ts';
import { optionsFrom, OutputOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { printPieces } from '../output/stream.ts';
import { colours, shown } from '../output/terminal.ts';
import { activePolicy } from '../policy/active-policy.ts';
import { EventOptions, eventFrom } from '../policy/event-options.ts';
import { demandTexts, eventDocument, eventText } from '../policy/event-text.ts';
import { KernelOptions } from '../policy/kernel-options.ts';

const ExplainOptions = OutputOptions.extend(KernelOptions.shape).extend(EventOptions.shape);

/** `assay policy explain FILE`: which rules decide about an access, and why the others do not. */
export async function explainPolicy(path: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ExplainOptions, given);
  const file = z.string().parse(path);
  const kernel = await chooseKernel(options.kernel, options.config);
  const policy = await activePolicy(file, kernel, options.secureBoot);
  const event = await eventFrom(options);
  const evaluation = evaluate(policy, event);
  const classes = explain(policy, event);
  if (options.output === 'json') printJson(documentOf(file, kernel, event, evaluation, classes));
  else await printPieces(textOf(file, kernel, event, evaluation, classes));
  return EXIT.fine;
}

function documentOf(
  file: string,
  { version, config }: ChosenKernel,
  event: PolicyEvent,
  evaluation: Evaluation,
  classes: readonly ClassExplanation[],
): Parameters<typeof printJson>[0] {
  const { actions, demands, slot, algorithms, pcr, template } = evaluation;
  return {
    schema: 'assay.policy-explain.v1',
    file,
    kernel: version,
    config,
    event: eventDocument(event),
    actions: [...actions],
    demands,
    slot,
    algorithms,
    pcr,
    template,
    classes: classes.map(classDocument),
  };
}

function classDocument({ class: name, rule, possible, late, near, sentence }: ClassExplanation): object {
  const place = ({ line, text }: { line: number; text: string }): object => ({ line, text });
  const other = ({ rule: of, unmet }: OtherRule): object => ({ ...place(of), unmet });
  return {
    class: name,
    sentence,
    ...(rule === undefined ? {} : { rule: place(rule) }),
    possible: possible.map(other),
    late: late.map(place),
    near: near.map(other),
  };
}

function* textOf(
  file: string,
  { version, config }: ChosenKernel,
  event: PolicyEvent,
  evaluation: Evaluation,
  classes: readonly ClassExplanation[],
): Generator<string> {
  yield `${shown(file)} on Linux ${version} (${shown(config)})\n${shown(eventText(event))}\n`;
  if (classes.length === 0) yield 'no class of actions has a positive rule, so nothing is done\n';
  for (const explained of classes) yield* classText(explained);
  for (const text of demandTexts(evaluation)) yield `  ${text}\n`;
}

function* classText({ class: name, rule, sentence, possible, late, near }: ClassExplanation): Generator<string> {
  const colour = colours(1);
  yield `${colour.bold(name)}: ${sentence}\n`;
  if (rule !== undefined) yield `  ${colour.green(shown(rule.text))}\n`;
  for (const other of possible) yield otherText('depends on', other, 'not known');
  for (const other of late) yield `  too late: ${rulePlace(other)}, ${shown(other.text)}\n`;
  for (const other of near) yield otherText('not matched', other, 'not known');
}

function otherText(what: string, { rule, unmet }: OtherRule, unknown: string): string {
  const reasons = unmet.map(({ wanted, found }) => `wants ${shown(wanted)}, and it is ${shown(found ?? unknown)}`);
  return `  ${what}: ${rulePlace(rule)}, ${shown(rule.text)}\n    ${reasons.join('; ')}\n`;
}
