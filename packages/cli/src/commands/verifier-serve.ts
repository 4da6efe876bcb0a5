import { BUILT_PAGE, isLoopback, startVerifier } from '@assay/verifier';
import { readSinks } from '@assay/verifier/alerts';
import { readSignIn } from '@assay/verifier/sign-in';
import { toHex } from '@assay/core/bytes';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { boundedContent } from '../bounded-file.ts';
import { EXIT, UsageError } from '../exit.ts';
import { readRootsIn } from '../ek-roots.ts';
import { optionsFrom, StateOptions } from '../options.ts';
import { trustedKeys } from '../reference/files.ts';
import { policySourceFrom, PolicySourceOptions } from '../reference/policy-source.ts';
import { tlsFrom, TlsOptions } from '../tls-options.ts';
import { Console } from '../up/console.ts';
import { stopSignal } from '../up/signals.ts';
import { openTokens } from '../up/state.ts';

const ServeOptions = StateOptions.extend({
  ...TlsOptions.shape,
  store: z
    .string()
    .regex(/^(sqlite:.|postgres(ql)?:\/\/.)/, 'takes sqlite:FILE or postgres://USER@HOST/NAME')
    .optional(),
  host: z.string().min(1),
  port: z.int().min(0).max(65_535),
  heartbeat: z.int().min(1).max(86_400),
  staleAfter: z.int().min(1).max(864_000),
  alerts: z.string().optional(),
  signIn: z.string().min(1, 'names no file').optional(),
  trustedProxy: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'takes an address, or a network as 10.0.0.0/8'))
    .default([]),
  ekRoots: z.string().min(1, 'names no directory').optional(),
  akRoots: z.string().min(1, 'names no directory').optional(),
  approveEnrolments: z.enum(['none', 'first-use', 'all']),
  renewKeysAfter: z.int().min(1).max(36_500).optional(),
  policyKey: z.array(z.string().min(1)).default([]),
  policySignatures: z.int().min(1).max(16),
  ...PolicySourceOptions,
}).refine(({ heartbeat, staleAfter }) => staleAfter > heartbeat, {
  path: ['stale-after'],
  error: 'has to be longer than --heartbeat',
});

const DAY_SECONDS = 86_400;
const SETTINGS_LIMIT = 256 * 1024;
const WITHOUT_TLS = [
  'plain HTTP: who is on the way reads tokens and measurement lists, and can use the tokens',
  '--tls-name NAME listens with TLS; a proxy that does so in front of this is as good',
];

/** `assay verifier serve`: the verifier alone, until a signal ends it in order. */
export async function serve(given: unknown): Promise<number> {
  const options = optionsFrom(ServeOptions, given);
  process.umask(0o077); // The state is for its owner alone, whatever the mode of a directory that was there before.
  const out = new Console();
  const reload: { read?: () => void } = {};
  const signal = stopSignal(options.policiesFrom === undefined ? undefined : () => reload.read?.());
  const alertSinks =
    options.alerts === undefined ? [] : readSinks(await boundedContent(options.alerts, SETTINGS_LIMIT));
  const signIn =
    options.signIn === undefined ? undefined : readSignIn(await boundedContent(options.signIn, SETTINGS_LIMIT));
  const policyKeys = await trustedKeys(options.policyKey);
  const distinct = new Set(policyKeys.map(({ spki }) => toHex(spki))).size;
  if (options.policySignatures > Math.max(1, distinct)) {
    throw new UsageError(
      `--policy-signatures ${options.policySignatures} asks for more than the ${distinct} keys of --policy-key`,
    );
  }
  const ekRoots = await readRootsIn('--ek-roots', options.ekRoots);
  const akRoots = await readRootsIn('--ak-roots', options.akRoots);
  const { directory, tokens, resultKey } = await openTokens(options.state);
  const { host, port, heartbeat, staleAfter } = options;
  const tls = await tlsFrom(options, directory);
  const policySource = policySourceFrom(options, directory);
  const verifier = await startVerifier({
    store: options.store ?? `sqlite:${directory}/verifier.sqlite`,
    host,
    port,
    tokens: { operator: tokens.operator, join: tokens.join },
    resultKeys: [resultKey],
    alertSinks,
    policyKeys,
    policySignatures: options.policySignatures,
    ...(policySource === undefined ? {} : { policySource }),
    ...(signIn === undefined ? {} : { signIn }),
    trustedProxies: options.trustedProxy,
    ...(tls === undefined ? {} : { tls }),
    ekRoots,
    akRoots,
    approveEnrolments: options.approveEnrolments,
    ...(options.renewKeysAfter === undefined ? {} : { renewKeysAfterSeconds: options.renewKeysAfter * DAY_SECONDS }),
    publicDirectory: BUILT_PAGE,
    heartbeatSeconds: heartbeat,
    staleAfterSeconds: staleAfter,
    log: (line) => out.log('verifier', line),
  });
  reload.read = () => verifier.readPolicies();
  process.stdout.write(`assay ${packageJson.version} at ${verifier.url}\n`);
  out.section('tokens', [`${directory}/tokens.json`]);
  if (options.tlsName.length > 0) out.section('authority', [`${directory}/authority.pem`]);
  if (tls === undefined && !isLoopback(host)) out.section('warning', WITHOUT_TLS);
  await signal;
  out.line('stopping');
  await verifier.close();
  return EXIT.fine;
}
