import { askEngine, type ControlRequest } from '@assay/engine/control';
import { z } from 'zod';
import { AskingOptions, Mode, Seconds } from '../engine/options.ts';
import { activityLines, auditLines, bpfLines, statusDocument, statusIn, statusLines } from '../engine/status.ts';
import { EXIT } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown, table } from '../output/terminal.ts';

const PauseOptions = AskingOptions.extend({ for: Seconds });

/** `assay engine status`: exit code 1 where it does not watch, is paused, or has lost something. */
export function engineStatus(given: unknown): Promise<number> {
  return ask(optionsFrom(AskingOptions, given), { command: 'status' });
}

/** `assay engine confirm`: enforce stays. */
export function confirmEngine(given: unknown): Promise<number> {
  return ask(optionsFrom(AskingOptions, given), { command: 'confirm' });
}

/** `assay engine pause` */
export function pauseEngine(given: unknown): Promise<number> {
  const options = optionsFrom(PauseOptions, given);
  return ask(options, { command: 'pause', seconds: options.for });
}

/** `assay engine resume` */
export function resumeEngine(given: unknown): Promise<number> {
  return ask(optionsFrom(AskingOptions, given), { command: 'resume' });
}

/** `assay engine mode MODE` */
export function changeMode(mode: unknown, given: unknown): Promise<number> {
  const wanted = optionsFrom(z.object({ mode: Mode }), { mode }).mode;
  return ask(optionsFrom(AskingOptions, given), { command: 'mode', mode: wanted });
}

async function ask(options: z.infer<typeof AskingOptions>, request: ControlRequest): Promise<number> {
  const status = statusIn(await askEngine(options.directory, request));
  if (options.output === 'json') printJson(statusDocument(status));
  else
    process.stdout.write(
      table(
        [...statusLines(status), ...activityLines(status), ...bpfLines(status), ...auditLines(status)].map(
          ([name, value]) => [name, shown(value)],
        ),
      ),
    );
  const isWhole = status.watching && !status.paused && status.lost === 0;
  return request.command === 'status' && !isWhole ? EXIT.no : EXIT.fine;
}
