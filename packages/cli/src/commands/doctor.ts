import { z } from 'zod';
import { CHECKS, type Check } from '../doctor/checks.ts';
import { EXIT } from '../exit.ts';
import { optionsFrom, OutputOptions, StateOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours, table } from '../output/terminal.ts';

const DoctorOptions = OutputOptions.extend({ port: z.int(), ...StateOptions.shape });

/** `assay doctor`: exit code 3 when something is missing that measuring this machine needs, else 0. */
export async function doctor(given: unknown): Promise<number> {
  const options = optionsFrom(DoctorOptions, given);
  const checks: Check[] = [];
  for (const check of CHECKS) checks.push(await check(options));
  const missing = checks.some(({ state }) => state === 'missing');
  if (options.output === 'json') printJson({ schema: 'assay.doctor.v1', ok: !missing, checks });
  else process.stdout.write(textOf(checks, missing));
  return missing ? EXIT.unreadable : EXIT.fine;
}

function textOf(checks: readonly Check[], missing: boolean): string {
  const colour = colours(1);
  const marks = { ok: colour.green('ok     '), limited: colour.yellow('limited'), missing: colour.red('missing') };
  const rows = checks.flatMap(({ name, state, sentence, fix }) => [
    [marks[state], name, sentence],
    ...(fix === undefined ? [] : [['', '', `${colour.dim('mend it:')} ${fix}`]]),
  ]);
  const end = missing ? 'This machine cannot be measured yet.' : 'This machine can be measured and attested: assay up';
  return `${table(rows)}\n${end}\n`;
}
