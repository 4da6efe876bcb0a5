import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

export const ASSAY = fileURLToPath(new URL('../bin/assay.js', import.meta.url));
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const NOBODY = 65534;
export const isRoot = process.geteuid?.() === 0;

/** A command that takes longer hangs. */
const LIMIT_MILLISECONDS = 60_000;

export interface Options {
  readonly cwd?: string;
  /** Added to a small environment in which nothing of Assay is set. */
  readonly env?: Readonly<Record<string, string>>;
  /** User and group identifier; for root only. */
  readonly uid?: number;
  /** The Node that starts it. */
  readonly node?: string;
  /** Another copy of the command. */
  readonly assay?: string;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `assay` to its end, without a terminal. */
export async function assay(args: readonly string[], options: Options = {}): Promise<Ended> {
  const { child, ended } = launch(args, options);
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MILLISECONDS);
  try {
    return await ended;
  } finally {
    clearTimeout(timer);
  }
}

export interface Launched {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<Ended>;
}

export function launch(args: readonly string[], options: Options = {}): Launched {
  const { uid } = options;
  const child = spawn(options.node ?? process.execPath, [options.assay ?? ASSAY, ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = once(child, 'close').then(([code]: (number | null)[]) => ({ code: code ?? null, ...output }));
  return { child, output, ended };
}

/** A directory that goes with the test. @param uid its owner */
export function scratch(t: Pick<TestContext, 'after'>, uid?: number): string {
  const path = mkdtempSync(join(tmpdir(), 'assay-cli-'));
  if (uid !== undefined) chownSync(path, uid, uid);
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The one JSON document that stdout is. */
export function documentIn(ended: Pick<Ended, 'stdout'>): Readonly<Record<string, unknown>> {
  const document: unknown = JSON.parse(ended.stdout);
  assert.ok(typeof document === 'object' && document !== null && 'schema' in document, ended.stdout);
  return { ...document };
}

export interface Expected {
  readonly code: string;
  readonly exit: number;
}

/** That a command fails so, that it says what to do, and that it says the same with `-o json`. */
export async function assertFails(args: readonly string[], expected: Expected, options: Options = {}): Promise<Ended> {
  const text = await assay(args, options);
  assert.deepEqual({ exit: text.code, stdout: text.stdout }, { exit: expected.exit, stdout: '' }, text.stderr);
  assert.match(text.stderr, new RegExp(`^error ${expected.code}: .+`));
  const json = await assay([...args, '-o', 'json'], options);
  assert.equal(json.code, expected.exit, json.stderr);
  const { schema, code, message, remedy } = documentIn(json);
  assert.deepEqual({ schema, code }, { schema: 'assay.error.v1', code: expected.code });
  assert.ok(typeof message === 'string' && message.length > 0);
  assert.equal(json.stderr, text.stderr);
  assert.equal(text.stderr.includes('\nwhat to do '), remedy !== undefined);
  return text;
}

/** Everything that would do something to a terminal: escape sequences, control and bidirectional characters. */
export const UNSAFE = /[^\P{C}\n]|[\p{Zl}\p{Zp}]/u;

/**
 * The project where an ordinary user can reach it. A clone may stand below a directory that only root may enter, so the
 * parts of it that run are bound to a directory that everybody may.
 */
export function readableProject(t: Pick<TestContext, 'after'>): { readonly assay: string } {
  if (mayRead(ASSAY)) return { assay: ASSAY };
  const directory = scratch(t, NOBODY);
  for (const part of ['packages', 'node_modules']) {
    const at = join(directory, part);
    mkdirSync(at);
    run('mount', ['--bind', join(ROOT, part), at]);
    t.after(() => run('umount', ['--lazy', at]));
  }
  return { assay: join(directory, 'packages/cli/bin/assay.js') };
}

function mayRead(path: string): boolean {
  return spawnSync('test', ['-r', path], { uid: NOBODY, gid: NOBODY }).status === 0;
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}
