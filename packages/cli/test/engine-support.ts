import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { mountExt4 } from '@assay/testkit/mounts';
import { startSwtpm } from '@assay/testkit/swtpm';
import { z } from 'zod';
import { assay, documentIn, launch, scratch, type Launched } from './assay.ts';

/** An audit record that a running engine remembers. */
export const Audit = z.strictObject({
  time: z.iso.datetime(),
  type: z.string(),
  denied: z.boolean(),
  pid: z.int(),
  path: z.string(),
  func: z.string().optional(),
  cause: z.string().optional(),
  rule: z.string().optional(),
});

/** The contract of `assay engine explain -o json`. */
export const Explained = z.strictObject({
  schema: z.literal('assay.engine-explain.v1'),
  path: z.string(),
  access: z.enum(['exec', 'read', 'write']),
  uid: z.int(),
  policy: z.string(),
  hooks: z.array(
    z.strictObject({
      func: z.string(),
      mask: z.string(),
      classes: z.array(
        z.strictObject({
          class: z.string(),
          sentence: z.string(),
          rule: z.strictObject({ line: z.int(), text: z.string() }).optional(),
        }),
      ),
    }),
  ),
  label: z.string(),
  result: z.enum(['allowed', 'refused']),
  cause: z.string().optional(),
  meaning: z.string().optional(),
  next: z.string().optional(),
  entries: z.array(z.strictObject({ pcr: z.int(), template: z.string(), digest: z.string() })),
  seen: z.array(Audit),
});

export const RULES = 'measure func=BPRM_CHECK\nmeasure func=POLICY_CHECK\nappraise func=BPRM_CHECK\n';

/** The contract of `assay engine status -o json`, and of what changes the state. */
export const Status = z.strictObject({
  schema: z.literal('assay.engine-status.v1'),
  directory: z.string(),
  pid: z.int(),
  since: z.iso.datetime(),
  mode: z.literal('permission'),
  appraise: z.enum(['off', 'log', 'fix', 'enforce']),
  paused: z.boolean(),
  rules: z.array(z.string()),
  mounts: z.array(z.string()),
  entries: z.int(),
  violations: z.int(),
  archive: z
    .strictObject({
      directory: z.string(),
      size: z.int(),
      entries: z.int(),
      segments: z.int(),
      problem: z.string().optional(),
    })
    .optional(),
  lost: z.int(),
  watching: z.boolean(),
  activity: z.strictObject({
    at: z.iso.datetime(),
    events: z.int(),
    eventsPerSecond: z.int(),
    hits: z.int(),
    misses: z.int(),
    denials: z.int(),
    waiting: z.int(),
    longestWait: z.int(),
    cached: z.int(),
    turbo: z.strictObject({ files: z.int(), breaks: z.int() }).optional(),
  }),
  audits: z.array(Audit),
  confirmBy: z.iso.datetime().optional(),
  pausedUntil: z.iso.datetime().optional(),
  auditsDropped: z.int(),
});

export async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 90_000; Date.now() < end; await delay(20)) if (holds()) return;
  throw new Error(`not within 90 s: ${what}`);
}

export function runs(path: string): boolean {
  try {
    execFileSync('/bin/sh', ['-c', '"$0"', path], { stdio: 'pipe', timeout: 60_000 });
    return true;
  } catch {
    return false;
  }
}

export interface Setting extends AsyncDisposable {
  readonly mount: string;
  readonly directory: string;
  readonly policy: string;
  readonly engine: Launched;
  ask(...words: string[]): Promise<z.infer<typeof Status>>;
}

interface LaunchedEngine {
  readonly mount: string;
  readonly directory: string;
  readonly tpm: string;
  readonly words: readonly string[];
}

/** An engine that listens. What it watches, and its TPM, outlive it. */
export async function launchEngine({ mount, directory, tpm, words }: LaunchedEngine): Promise<Omit<Setting, 'policy'>> {
  const common = ['--watch', mount, '--tpm', tpm, '--directory', directory];
  const engine = launch(['engine', 'run', ...common, ...words]);
  const end = async (): Promise<void> => {
    engine.child.kill('SIGTERM');
    await engine.ended;
  };
  const { output, child } = engine;
  try {
    await until('the engine listens', () => /list +\d+ entries/.test(output.stdout) || child.exitCode !== null);
    assert.equal(child.exitCode, null, output.stderr);
  } catch (error) {
    await end();
    throw error;
  }
  const ask = async (...asked: string[]): Promise<z.infer<typeof Status>> => {
    const ended = await assay(['engine', ...asked, '--directory', directory, '-o', 'json']);
    assert.ok(ended.code === 0 || ended.code === 1, ended.stderr);
    return Status.parse(documentIn(ended));
  };
  return { mount, directory, engine, ask, [Symbol.asyncDispose]: end };
}

/** A running engine on a file system of its own. @param rules left out: those that the engine has by itself */
export function running(t: TestContext, rules: string | undefined, ...words: string[]): Promise<Setting> {
  return runningAfter(t, rules, () => Promise.resolve(words));
}

/** @param prepare what is on the file system before, and further options of the engine */
export async function runningAfter(
  t: TestContext,
  rules: string | undefined,
  prepare: (mount: string, tpm: string) => Promise<string[]>,
): Promise<Setting> {
  const policy = join(scratch(t), 'policy');
  if (rules !== undefined) writeFileSync(policy, rules);
  await using around = new AsyncDisposableStack();
  const swtpm = await startSwtpm();
  around.defer(() => swtpm.stop());
  const mount = around.use(mountExt4());
  copyFileSync('/bin/true', join(mount.path, 'program'));
  const tpm = `swtpm:unix:${swtpm.socketPath}`;
  const words = [...(rules === undefined ? [] : ['--policy', policy]), ...(await prepare(mount.path, tpm))];
  const launched = await launchEngine({ mount: mount.path, directory: join(scratch(t), 'engine'), tpm, words });
  around.use(launched);
  const all = around.move();
  return { ...launched, policy, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
