import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { HostDocument, FindingList } from '@assay/wire';
import { z } from 'zod';
import { assay, documentIn, launch, scratch, type Ended, type Launched, type Options } from './assay.ts';

const LIMIT_MILLISECONDS = 90_000;

/** Waits until it holds. @throws after 90 s */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + LIMIT_MILLISECONDS; Date.now() < end; await delay(50)) if (await holds()) return;
  assert.fail(`not within ${LIMIT_MILLISECONDS / 1000} s: ${what}`);
}

/** A running `assay up`. */
export interface Up {
  readonly url: string;
  readonly state: string;
  readonly pid: number;
  /** What it has written so far. */
  stdout(): string;
  /** Another command that asks this verifier. */
  ask(...args: string[]): Promise<Ended>;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

/**
 * Starts `assay up` on a free port and waits until it has said everything. It ends with the test, however that ends.
 * @param state its state directory; default one of its own
 */
export async function startUp(
  t: TestContext,
  args: readonly string[],
  { state = `${scratch(t)}/state`, ...options }: Options & { readonly state?: string } = {},
): Promise<Up> {
  const started = launch(['up', '--port', '0', '--state', state, ...args], options);
  t.after(() => endNow(started));
  const { child, output, ended } = started;
  await eventually('assay up is ready', () => output.stdout.includes('Ctrl-C stops') || child.exitCode !== null);
  const [, url] = /^assay \S+ at (http:\/\/127\.0\.0\.1:\d+)$/m.exec(output.stdout) ?? [];
  assert.ok(url !== undefined && child.exitCode === null, `${output.stdout}${output.stderr}`);
  const { pid } = child;
  assert.ok(pid !== undefined);
  const ask = (...words: string[]): Promise<Ended> =>
    assay(words, { ...options, env: { ASSAY_URL: url, ASSAY_STATE: state } });
  return { url, state, pid, stdout: () => output.stdout, ask, signal: (name) => child.kill(name), ended };
}

async function endNow({ child, ended }: Launched): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await ended;
}

/** Ends it as Ctrl-C does. */
export async function stopUp(up: Up): Promise<Ended> {
  up.signal('SIGINT');
  return await up.ended;
}

const Host = HostDocument.extend({ findings: FindingList.shape.findings });
export type Host = z.infer<typeof Host>;

/** The host and its open findings as `hosts get NAME -o json` gives them. */
export async function host(up: Up, name: string): Promise<Host> {
  return Host.parse(documentIn(await up.ask('hosts', 'get', name, '-o', 'json')));
}

/** Waits for the verdict of a host. */
export async function verdict(up: Up, name: string, wanted: string): Promise<Host> {
  let last: Host | undefined;
  await eventually(`${name} is ${wanted}\n${up.stdout()}`, async () => {
    const answer = await up.ask('hosts', 'get', name, '-o', 'json');
    const parsed = Host.safeParse(JSON.parse(answer.stdout));
    last = parsed.success ? parsed.data : undefined;
    return last?.host.verdict === wanted;
  });
  assert.ok(last !== undefined);
  return last;
}

/** The engine's binary list of a state directory. */
export function engineList(state: string, bank = 'sha256'): string {
  return `${state}/engine/binary_runtime_measurements_${bank}`;
}

const Entries = z.looseObject({
  entries: z.array(
    z.looseObject({ kind: z.string(), digest: z.string(), filenameHint: z.string(), buffer: z.string().optional() }),
  ),
});

/** The entries of a list, by `log show`. */
export async function entriesOf(path: string): Promise<z.infer<typeof Entries>['entries']> {
  return Entries.parse(documentIn(await assay(['log', 'show', path, '-o', 'json']))).entries;
}

/** Whether the process is there and no zombie. */
export function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}
