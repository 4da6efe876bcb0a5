import { realpath } from 'node:fs/promises';
import { ASSUMPTION_NAMES, DEFAULT_ASSUMPTIONS, type Assumption } from '@assay/core/preflight';
import { z } from 'zod';
import { EXIT, UsageError } from '../exit.ts';
import { chooseKernel } from '../kernel-profile.ts';
import { optionsFrom } from '../options.ts';
import { Progress } from '../output/progress.ts';
import { jsonText, printJson } from '../output/report.ts';
import { printPieces } from '../output/stream.ts';
import { activePolicy } from '../policy/active-policy.ts';
import { KernelOptions } from '../policy/kernel-options.ts';
import { refusedDocument, summaryDocument, unreadableDocument, type Simulation } from '../policy/simulate/document.ts';
import { simulate } from '../policy/simulate/simulate.ts';
import { simulationText } from '../policy/simulate/text.ts';

const Count = z.coerce.number('is no number').int().min(0).max(1_000_000);

const SimulateOptions = KernelOptions.extend({
  output: z.enum(['text', 'json', 'jsonl']),
  root: z.string().min(1, 'names no directory'),
  assume: z.string().optional(),
  users: z
    .string()
    .regex(/^\d{1,10}(?:,\d{1,10}){0,15}$/, 'takes ids with commas between them')
    .transform((text) => text.split(',').map(Number)),
  template: z.enum(['ima', 'ima-ng', 'ima-ngv2', 'ima-sig', 'ima-sigv2']),
  verify: z.boolean().default(false),
  oneFileSystem: z.boolean().default(false),
  depth: Count,
  limit: Count,
});

/** `assay policy simulate FILE --root DIR`: exit code 1 when `ima_appraise=enforce` would refuse a file. */
export async function simulatePolicy(path: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(SimulateOptions, given);
  const file = z.string().parse(path);
  const chosen = await chooseKernel(options.kernel, options.config);
  const { rules, failSecurely } = await activePolicy(file, chosen, options.secureBoot);
  const root = (await realpath(options.root, 'buffer')).toString('latin1');
  const kernel = { version: chosen.profile.version, mode: 'enforce', imaHash: 'sha256' } as const;
  const preflight = {
    kernel,
    assumptions: assumptionsIn(options.assume),
    users: options.users,
    template: options.template,
  };
  const { depth, verify, oneFileSystem } = options;
  const progress = new Progress('files');
  try {
    const placed = rules.map(({ line, text, rule }) => ({ line, text, rule }));
    const setup = { rules: placed, failSecurely, profile: chosen.profile, options: preflight, root };
    const found = await simulate({ ...setup, depth, verify, oneFileSystem }, (files) => progress.report(files, files));
    progress.end();
    found.tally.refused.sort((a, b) => (a.path < b.path ? -1 : 1));
    await print({ file, root, kernel: chosen, options: preflight, verify, found }, options);
    return found.tally.total.refused === 0 ? EXIT.fine : EXIT.no;
  } finally {
    progress.end();
  }
}

function assumptionsIn(text: string | undefined): readonly Assumption[] {
  if (text === undefined) return DEFAULT_ASSUMPTIONS;
  const wanted = new Set(text.split(','));
  const known = ASSUMPTION_NAMES.filter((name) => wanted.delete(name));
  const [unknown] = wanted;
  if (unknown === undefined) return known;
  throw new UsageError(`--assume takes ${ASSUMPTION_NAMES.join(', ')} with commas between, not ${unknown}`);
}

async function print(simulation: Simulation, { output, limit }: z.infer<typeof SimulateOptions>): Promise<void> {
  if (output === 'text') return printPieces(simulationText(simulation, limit));
  const { tally, problems } = simulation.found;
  const summary = summaryDocument(simulation);
  if (output === 'jsonl') return printPieces(jsonLines(simulation, summary));
  printJson({
    schema: 'assay.policy-simulate.v1',
    ...summary,
    refusedFiles: tally.refused.map(refusedDocument),
    unreadable: problems.map(unreadableDocument),
  });
}

function* jsonLines({ found }: Simulation, summary: object): Generator<string> {
  for (const file of found.tally.refused) yield `${jsonText({ kind: 'refused', ...refusedDocument(file) })}\n`;
  for (const problem of found.problems) yield `${jsonText({ kind: 'unreadable', ...unreadableDocument(problem) })}\n`;
  yield `${jsonText({ kind: 'summary', schema: 'assay.policy-simulate.v1', ...summary })}\n`;
}
