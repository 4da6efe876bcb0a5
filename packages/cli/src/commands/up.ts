import { BUILT_PAGE, startVerifier } from '@assay/verifier';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { EXIT } from '../exit.ts';
import { Console } from '../up/console.ts';
import { simulateFleet } from '../up/fleet.ts';
import { attestMachine } from '../up/machine.ts';
import { openState } from '../up/state.ts';

const UpOptions = z.object({
  port: z.int().min(0).max(65_535),
  state: z.string().min(1),
  name: z.string().optional(),
  tpm: z.string(),
  list: z.enum(['auto', 'kernel', 'engine']),
  watch: z.array(z.string()).default([]),
  permission: z.boolean().default(false),
  fleet: z.boolean().default(false),
});

/** `assay up`: verifier, page, engine and agent in one process, until a signal ends it in order. */
export async function up(given: unknown): Promise<number> {
  const options = UpOptions.parse(given);
  const out = new Console();
  const signal = stopSignal();
  await using cleanup = new AsyncDisposableStack();
  const state = await openState(options.state);
  cleanup.defer(() => state.release());
  const { operator, join } = state.tokens;
  const verifier = await startVerifier({
    database: state.path('verifier.sqlite'),
    port: options.port,
    tokens: { operator, join },
    publicDirectory: BUILT_PAGE,
    log: (line) => out.line(`verifier  ${line}`),
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
  out.section('next', ['npx assay reference capture', 'accepts as good what has run so far; Ctrl-C stops']);
  await signal;
  out.line('stopping');
  return EXIT.fine;
}

/** The first signal stops in order; the second one at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const ask = (): void => {
      if (asked) process.exit(EXIT.interrupted);
      asked = true;
      resolve();
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, ask);
  });
}
