import { parseToken } from '@assay/wire/token';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { OutputOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours } from '../output/terminal.ts';
import { tokenIn } from '../token/input.ts';
import { documentOf, textOf } from '../token/output.ts';

/** `assay token show`: what is in a result; nothing is said of who made it. */
export async function showFile(file: unknown, given: unknown): Promise<number> {
  const { output } = optionsFrom(OutputOptions, given);
  const result = parseToken(await tokenIn(z.string().parse(file)));
  if (output === 'json') printJson({ schema: 'assay.token-show.v1', verified: false, result: documentOf(result) });
  else process.stdout.write(`${colours(1).yellow('not verified')}: nothing shows who wrote this\n${textOf(result)}`);
  return EXIT.fine;
}
