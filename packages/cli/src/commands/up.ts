import { BUILT_PAGE, startVerifier } from '@assay/verifier';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { DEFAULT_STATE, DEFAULT_URL } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { HostNameOption } from '../host-name.ts';
import { optionsFrom, StateOptions } from '../options.ts';
import { Console } from '../up/console.ts';
import { simulateFleet } from '../up/fleet.ts';
import { attestMachine } from '../up/machine.ts';
import { stopSignal } from '../up/signals.ts';
import { openState } from '../up/state.ts';
import { TPM_OPTION } from '../up/tpm.ts';

const UpOptions = StateOptions.extend({
  port: z.int().min(0).max(65_535),
  name: HostNameOption.optional(),
  tpm: z.string().regex(TPM_OPTION, 'takes auto, device[:PATH], swtpm[:SOCKET] or simulated'),
  list: z.enum(['auto', 'kernel', 'engine']),
  watch: z.array(z.string()).default([]),
  permission: z.boolean().default(false),
  fleet: z.boolean().default(false),
}).refine(({ permission, watch }) => !permission || watch.length > 0, {
  path: ['permission'],
  error: 'holds up programs until they are measured: name the mounts with --watch',
});

/** The command that comes next, with what it cannot know by itself. */
function captureCommand(url: string, state: string | undefined): string {
  const where = url === DEFAULT_URL ? '' : ` --url ${url}`;
  return `npx assay reference capture${where}${state === undefined ? '' : ` --state ${shellWord(state)}`}`;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** `assay up`: verifier, page, engine and agent in one process, until a signal ends it in order. */
export async function up(given: unknown): Promise<number> {
  const options = optionsFrom(UpOptions, given);
  process.umask(0o077); // The state is for its owner alone, whatever the mode of a directory that was there before.
  const out = new Console();
  const signal = stopSignal();
  await using cleanup = new AsyncDisposableStack();
  const state = await openState(options.state);
  cleanup.defer(() => state.release());
  const { operator, join } = state.tokens;
  const verifier = await startVerifier({
    store: `sqlite:${state.path('verifier.sqlite')}`,
    port: options.port,
    tokens: { operator, join },
    resultKeys: [state.resultKey],
    publicDirectory: BUILT_PAGE,
    log: (line) => out.log('verifier', line),
  });
  cleanup.defer(() => verifier.close());
  process.stdout.write(`assay ${packageJson.version} at ${verifier.url}\n`);
  const root = process.geteuid?.() === 0;
  if (options.fleet || !root) {
    if (!options.fleet)
      out.section('note', ['not root, so this machine cannot be measured; a simulated fleet is shown']);
    await simulateFleet(state, verifier, out, cleanup);
  } else await attestMachine(options, state, verifier, out, cleanup);
  out.section('state', [state.directory]);
  out.section('page', [`${verifier.url}/#token=${operator}`]);
  out.section('next', [
    captureCommand(verifier.url, options.state === DEFAULT_STATE ? undefined : state.directory),
    'accepts as good what has run so far; Ctrl-C stops',
  ]);
  await signal;
  out.line('stopping');
  return EXIT.fine;
}
