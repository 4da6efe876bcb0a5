import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
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
  /** Who runs it, where that is somebody else; for root only. */
  readonly user?: User;
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
  const command = [options.node ?? process.execPath, options.assay ?? ASSAY, ...args];
  const [file = '', ...words] = options.user === undefined ? command : asUser(options.user, command);
  const child = spawn(file, words, {
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
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

/** An ordinary user, as root sees one. */
export interface User {
  readonly uid: number;
  /** Where this user finds the project. */
  readonly project: string;
}

/**
 * Another user to run a command as; nobody else where this process is an ordinary user itself. A clone may stand below
 * a directory that only root may enter, so that user has the parts that run bound to a place that everybody may enter:
 * read-only, and in a mount namespace of the command alone. In this one that place is an empty directory, which can be
 * removed without a way into the clone.
 */
export function ordinaryUser(t: Pick<TestContext, 'after'>, uid = NOBODY): { readonly user?: User } {
  if (!isRoot) return {};
  const project = scratch(t);
  chmodSync(project, 0o755);
  for (const part of PARTS) mkdirSync(join(project, part));
  return { user: { uid, project } };
}

const PARTS = ['packages', 'node_modules'] as const;

const AS_USER = `root=$1 project=$2 user=$3; shift 3
for part in ${PARTS.join(' ')}; do mount --bind -o ro "$root/$part" "$project/$part"; done
exec setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@"`;

function asUser({ uid, project }: User, command: readonly string[]): string[] {
  const words = command.map((word) => (word.startsWith(ROOT) ? join(project, word.slice(ROOT.length)) : word));
  return [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-ec',
    AS_USER,
    'sh',
    ROOT,
    project,
    String(uid),
    ...words,
  ];
}
