import {
  bpfGate,
  bypasses,
  grantsLeases,
  hookCoverage,
  LIMITS,
  TURBO_LIMITS,
  type BpfGate,
  type Bypass,
  type HookCoverage,
} from '@assay/engine';
import { runningCoverage, type CoveredMount } from '../engine/mount-coverage.ts';
import { AskingOptions } from '../engine/options.ts';
import { EXIT } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours, shown, table } from '../output/terminal.ts';

/** `assay engine doctor`: exit code 1 while programs can run that no event tells of. */
export async function engineDoctor(given: unknown): Promise<number> {
  const { output, directory } = optionsFrom(AskingOptions, given);
  const turbo = { available: grantsLeases(), limits: TURBO_LIMITS };
  const bpf = bpfGate();
  const found = bypasses(bpf);
  const running = await runningCoverage(directory);
  const mounts = running?.mounts;
  const hooks = hookCoverage(bpf, running?.gate);
  if (output === 'json') {
    const common = { hooks, bypasses: found, limits: LIMITS, turbo, bpf };
    printJson({ schema: 'assay.engine-doctor.v1', ...common, ...(mounts === undefined ? {} : { mounts }) });
  } else {
    const ways = [...(mounts ?? []).map(mountText), ...found.map(bypassText), ...LIMITS.map(limitText)].join('');
    process.stdout.write(table(hooks.map(hookRow)) + bpfText(bpf) + ways + turboText(turbo));
  }
  const isOpen = found.some(({ open }) => open) || mounts?.some(({ watched }) => !watched) === true;
  return isOpen ? EXIT.no : EXIT.fine;
}

function hookRow({ func, coverage, why, remedy }: HookCoverage): string[] {
  return [func, coverage, remedy === undefined ? why : `${why} (${remedy})`];
}

function bpfText({ sentence, remedy }: BpfGate): string {
  return remedy === undefined ? `${sentence}\n` : `${sentence}\n  ${remedy}\n`;
}

function mountText({ path, watched }: CoveredMount): string {
  const colour = colours(1);
  if (watched) return `${colour.green('watched')} ${shown(path)}\n`;
  return `${colour.yellow('open')} Programs on ${shown(path)} run unasked.\n  --watch ${shown(path)}, or mount it noexec\n`;
}

function bypassText({ open, sentence, remedy }: Bypass): string {
  const colour = colours(1);
  return open ? `${colour.yellow('open')} ${sentence}\n  ${remedy}\n` : `${colour.green('closed')} ${sentence}\n`;
}

function limitText({ sentence, remedy }: (typeof LIMITS)[number]): string {
  return `always ${sentence}\n  ${remedy}\n`;
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
