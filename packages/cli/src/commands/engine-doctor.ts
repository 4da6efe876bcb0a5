import { bypasses, grantsLeases, HOOK_COVERAGE, TURBO_LIMITS, type Bypass, type HookCoverage } from '@assay/engine';
import type { z } from 'zod';
import { EXIT } from '../exit.ts';
import { optionsFrom, OutputOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours, table } from '../output/terminal.ts';

/** `assay engine doctor`: exit code 1 while programs can run that no event tells of. */
export function engineDoctor(given: unknown): Promise<number> {
  const { output }: z.infer<typeof OutputOptions> = optionsFrom(OutputOptions, given);
  const found = bypasses();
  const turbo = { available: grantsLeases(), limits: TURBO_LIMITS };
  if (output === 'json') printJson({ schema: 'assay.engine-doctor.v1', hooks: HOOK_COVERAGE, bypasses: found, turbo });
  else process.stdout.write(table(HOOK_COVERAGE.map(hookRow)) + found.map(bypassText).join('') + turboText(turbo));
  return Promise.resolve(found.some(({ open }) => open) ? EXIT.no : EXIT.fine);
}

function hookRow({ func, coverage, why, remedy }: HookCoverage): string[] {
  return [func, coverage, remedy === undefined ? why : `${why} (${remedy})`];
}

function bypassText({ open, sentence, remedy }: Bypass): string {
  const colour = colours(1);
  return open ? `${colour.yellow('open')} ${sentence}\n  ${remedy}\n` : `${colour.green('closed')} ${sentence}\n`;
}

function turboText({
  available,
  limits,
}: {
  readonly available: boolean;
  readonly limits: typeof TURBO_LIMITS;
}): string {
  const title = available ? 'turbo (--turbo) can be used; what to know of it:' : 'turbo (--turbo) does nothing here:';
  const remedy = available ? '' : '  The kernel grants no leases.\n  sysctl fs.leases-enable=1\n';
  return `${title}\n${remedy}${limits.map(({ sentence }) => `  ${sentence}\n`).join('')}`;
}
