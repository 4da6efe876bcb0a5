import { SystemError } from '@assay/core/errors';
import packageJson from '../package.json' with { type: 'json' };
import type { ParsedCertificate } from '@assay/core/keys';
import type { TrustedKey } from '@assay/core/reference';
import type { Context } from './context.ts';
import { judgeOutdated } from './policies/activate.ts';
import { renewEnds } from './policies/ends.ts';
import type { PolicyTrust } from './policies/signers.ts';
import type { PolicySource } from './policies/source/source.ts';
import { Turns } from './policies/turns.ts';
import { startPolicyReader, type PolicyReader } from './policies/source/start.ts';
import { ReferenceCache } from './hosts/references.ts';
import { startAlerter } from './alerts/alerter.ts';
import type { Sink } from './alerts/sinks.ts';
import { certifyAgain } from './hosts/ak-certificate.ts';
import { endorseAgain } from './hosts/endorsement.ts';
import { expireVerdicts } from './hosts/verdict.ts';
import { createApp } from './http/app.ts';
import type { App } from './http/instance.ts';
import { EventStreams } from './http/events.ts';
import { withoutRepeats } from './log.ts';
import { Pulse } from './metrics/pulse.ts';
import { localNews, type Change, type News } from './news/news.ts';
import { PostgresNews } from './news/postgres.ts';
import { AttestationKeys } from './rounds/attestation-keys.ts';
import { eventsOf, linesOf } from './rounds/changes.ts';
import { RoundQueue } from './rounds/queue.ts';
import { RecentParts } from './rounds/recent-parts.ts';
import { resultKeysFrom } from './results/keys.ts';
import type { SignInSettings } from './sign-in/settings.ts';
import { startIndexer } from './store/indexer.ts';
import { storeAddress } from './store/address.ts';
import { openStore } from './store/open.ts';
import { forgetPolicySource } from './store/policy-source.ts';
import { HostAuthority } from './tls/host-authority.ts';
import type { TlsOptions } from './tls/server.ts';
import { readTpmMakers } from './tpm-makers.ts';
import type { Database } from './store/schema.ts';

export interface VerifierOptions {
  /** `sqlite:FILE` or `postgres://…`. */
  readonly store: string;
  /** Address to listen on; default 127.0.0.1. On another than the loopback, readers need the operator token too. */
  readonly host?: string;
  /** 0 chooses a free port. */
  readonly port: number;
  readonly tokens: { readonly operator: string; readonly join: string };
  /** Keys that sign attestation results, P-256 in PEM (PKCS#8): the first signs, the others are only published. */
  readonly resultKeys?: readonly string[];
  /** Keys by which reference values must be signed that are to come into force; none: nothing needs a signature. */
  readonly policyKeys?: readonly TrustedKey[];
  /** How many of these keys must have signed; default 1. */
  readonly policySignatures?: number;
  /**
   * Where policies come from, and how often it is looked at; what comes from there the API does not change. `none` gives
   * what came from one back to the API; without it that stays as it is.
   */
  readonly policySource?: { readonly source: PolicySource; readonly seconds: number } | 'none';
  /** Authorities that may vouch for endorsement keys, beside the makers of TPMs that Assay knows. */
  readonly ekRoots?: readonly ParsedCertificate[];
  /** Authorities that may vouch for attestation keys, such as those of clouds; without any, their certificates do not count. */
  readonly akRoots?: readonly ParsedCertificate[];
  /** Which machines wait for a decision when they enrol: those that nobody vouches for, or all; default `none`. */
  readonly approveEnrolments?: Context['approveEnrolments'];
  /** Age at which hosts are asked for another attestation key; without it, only when somebody asks. */
  readonly renewKeysAfterSeconds?: number;
  /** Listens with TLS, gives hosts certificates and wants them from agents; without it, plain HTTP. */
  readonly tls?: TlsOptions;
  /** How long the certificate of a host is good for; default 12 hours. */
  readonly hostCertificateSeconds?: number;
  /** Where alerts go; they are kept, and shown, without any. */
  readonly alertSinks?: readonly Sink[];
  /** How people sign in; without it only tokens let in. */
  readonly signIn?: SignInSettings;
  /** Addresses of proxies (CIDR notation too), whose X-Forwarded-For says where a request comes from. */
  readonly trustedProxies?: readonly string[];
  /** Where the built dashboard is. */
  readonly publicDirectory?: string;
  /** How often the verifier wants evidence when nothing is new; default 10. */
  readonly heartbeatSeconds?: number;
  /** Age at which evidence counts as stale; default 30. */
  readonly staleAfterSeconds?: number;
  readonly log?: (line: string) => void;
  readonly now?: () => Date;
}

export interface Verifier {
  readonly url: string;
  readonly port: number;
  /** Looks at the source of policies at once. */
  readPolicies(): void;
  close(): Promise<void>;
}

const EXPIRY_CHECK_MILLISECONDS = 1000;
const HALF_A_DAY = 12 * 3600;

/**
 * Starts the service.
 * @throws SystemError PORT-TAKEN, NOT-PERMITTED, DATABASE-NEWER, DATABASE-UNUSABLE; FormatError KEY-PRIVATE
 */
export async function startVerifier(options: VerifierOptions): Promise<Verifier> {
  const host = options.host ?? '127.0.0.1';
  const log = options.log ?? (() => undefined);
  const troubles = withoutRepeats(log);
  const resultKeys = await resultKeysFrom(options.resultKeys ?? []);
  const database = await openStore(options.store, troubles);
  const streams: EventStreams = new EventStreams({
    whole: (changes) => told(context, eventsOf, changes),
    lines: (changes) => told(context, linesOf, changes),
  });
  const context = await contextOf(options, database, streams, log);
  const stopIndexer = startIndexer(database, troubles);
  const policyTrust = { keys: options.policyKeys ?? [], required: options.policySignatures ?? 1 };
  const pulse = new Pulse(EXPIRY_CHECK_MILLISECONDS);
  const app = await createApp(context, streams, {
    host,
    tokens: options.tokens,
    publicDirectory: options.publicDirectory,
    resultKeys,
    version: packageJson.version,
    policyTrust,
    pulse,
    rounds: new RoundQueue(context),
    signIn: options.signIn,
    tls: options.tls,
    trustedProxies: options.trustedProxies ?? [],
    alertSinks: options.alertSinks ?? [],
  });
  const release = async (): Promise<void> => {
    await streams.close();
    await app.close();
    await stopIndexer();
    await context.news.close();
    await database.destroy();
  };
  try {
    await lookAgain(context);
    await renew(context);
    await listen(app, host, options.port);
  } catch (error) {
    await release();
    throw error;
  }
  const stopExpiry = everySecond(() => renew(context).then(() => pulse.beat()), troubles);
  const stopAlerter = startAlerter({ ...context, log: troubles }, options.alertSinks ?? []);
  const reader = await policyReader(context, options, policyTrust);
  const port = portOf(app);
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    readPolicies: () => reader?.look(),
    close: async () => {
      await reader?.stop();
      await stopExpiry();
      await stopAlerter();
      await release();
    },
  };
}

async function policyReader(
  context: Context,
  { policySource }: VerifierOptions,
  trust: PolicyTrust,
): Promise<PolicyReader | undefined> {
  if (policySource === 'none') await forgetPolicySource(context.database);
  if (policySource === undefined || policySource === 'none') return undefined;
  return startPolicyReader(context, policySource.source, trust, policySource.seconds);
}

/** At what nobody vouched for before: the authorities may be others now. */
async function lookAgain(context: Context): Promise<void> {
  await endorseAgain(context);
  await certifyAgain(context);
}

async function contextOf(
  options: VerifierOptions,
  database: Database,
  streams: EventStreams,
  log: (line: string) => void,
): Promise<Context> {
  const { roots, intermediates } = await readTpmMakers();
  return {
    database,
    ekAuthorities: { anchors: [...roots, ...(options.ekRoots ?? [])], known: intermediates },
    akAuthorities: options.akRoots ?? [],
    references: new ReferenceCache(),
    attestationKeys: new AttestationKeys(),
    recentParts: new RecentParts(),
    simulations: new Turns(),
    news: await newsOf(options.store, (changes) => streams.publish(changes), withoutRepeats(log)),
    now: options.now ?? (() => new Date()),
    log,
    heartbeatSeconds: options.heartbeatSeconds ?? 10,
    staleAfterSeconds: options.staleAfterSeconds ?? 30,
    renewKeysAfterSeconds: options.renewKeysAfterSeconds ?? null,
    approveEnrolments: options.approveEnrolments ?? 'none',
    hostAuthority: hostAuthorityOf(options),
  };
}

/** @throws FormatError KEY-PRIVATE, KEY-UNKNOWN, DER-FORM */
function hostAuthorityOf({ tls, hostCertificateSeconds }: VerifierOptions): HostAuthority | null {
  return tls === undefined ? null : new HostAuthority(tls.hostAuthority, hostCertificateSeconds ?? HALF_A_DAY);
}

/** What listeners are told; a store that cannot be read for it leaves them without, and the rounds alone. */
async function told<Event>(
  context: Context,
  read: (context: Context, changes: readonly Change[]) => Promise<Event[]>,
  changes: readonly Change[],
): Promise<Event[]> {
  try {
    return await read(context, changes);
  } catch (error) {
    context.log(`events: ${String(error)}`);
    return [];
  }
}

function newsOf(store: string, deliver: (changes: readonly Change[]) => void, log: Context['log']): Promise<News> {
  const address = storeAddress(store);
  if (address.kind === 'sqlite') return Promise.resolve(localNews(deliver));
  return PostgresNews.listen(address.url, deliver, log);
}

/** Verdicts that time has overtaken, and boots that no one judged by the version in force, after a crash for instance. */
async function renew(context: Context): Promise<void> {
  await expireVerdicts(context);
  await renewEnds(context);
  await judgeOutdated(context);
}

/** @throws SystemError PORT-TAKEN, NOT-PERMITTED */
async function listen(app: App, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') throw new SystemError('PORT-TAKEN', `${host}:${port} is in use`, { cause: error });
    if (code === 'EACCES') {
      throw new SystemError('NOT-PERMITTED', `listening on ${host}:${port} needs a privilege`, { cause: error });
    }
    throw error;
  }
}

function portOf(app: App): number {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address.port;
}

/** @returns stops it, and waits for a run that has begun */
function everySecond(run: () => Promise<void>, log: (line: string) => void): () => Promise<void> {
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = run().catch((error: unknown) => log(`expiry of verdicts: ${String(error)}`));
  }, EXPIRY_CHECK_MILLISECONDS);
  return async () => {
    clearInterval(timer);
    await running;
  };
}
