import { resolve } from 'node:path';
import { askEngine } from '@assay/engine/control';
import { z } from 'zod';
import { AskingOptions } from '../engine/options.ts';
import { statusDocument, statusIn, type ShownStatus } from '../engine/status.ts';
import { EXIT } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';

/** `assay engine policy load FILE` */
export async function loadPolicy(file: unknown, given: unknown): Promise<number> {
  const { directory, output } = optionsFrom(AskingOptions, given);
  const path = resolve(z.string().min(1).parse(file));
  const status = statusIn(await askEngine(directory, { command: 'load', path }));
  if (output === 'json') printJson(statusDocument(status));
  else process.stdout.write(`${shown(path)}: ${status.rules.length} rules are in force\n${toConfirm(status)}`);
  return EXIT.fine;
}

function toConfirm({ confirmBy, directory }: ShownStatus): string {
  if (confirmBy === undefined) return '';
  return `the mode is log again at ${confirmBy} unless you confirm: assay engine confirm --directory ${shown(directory)}\n`;
}

/** `assay engine policy show`: the rules as they were loaded. */
export async function showPolicy(given: unknown): Promise<number> {
  const { directory, output } = optionsFrom(AskingOptions, given);
  const status = statusIn(await askEngine(directory, { command: 'status' }));
  if (output === 'json') printJson({ schema: 'assay.engine-policy.v1', rules: status.rules });
  else process.stdout.write(status.rules.map((rule) => `${shown(rule)}\n`).join(''));
  return EXIT.fine;
}
