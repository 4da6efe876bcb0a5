import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';

export interface StrangeTree {
  readonly path: string;
  /** Executable files, each with a digest of its own. */
  readonly programs: number;
  /** What its owner cannot read, with its path escaped. */
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[];
  /** Lets its owner remove it. */
  open(): void;
}

const PROGRAMS = ['plain', 'with blank', 'deep/er/program', 'line\nbreak', '\u001b[31m', '\u202etxt'] as const;

/** A tree of everything that a walk can meet. @param uid who will read it, where that is somebody else */
export function strangeTree(path: string, uid: number | undefined): StrangeTree {
  mkdirSync(`${path}/deep/er`, { recursive: true });
  for (const name of PROGRAMS) writeFileSync(`${path}/${name}`, `#!/bin/true ${name}`, { mode: 0o755 });
  const notUtf8 = Buffer.concat([Buffer.from(`${path}/`), Buffer.of(0xff, 0xfe, 0x0a)]);
  writeFileSync(notUtf8, 'not UTF-8', { mode: 0o755 });
  writeFileSync(`${path}/data`, 'not executable', { mode: 0o644 });
  symlinkSync('.', `${path}/loop`);
  symlinkSync('data', `${path}/link`);
  symlinkSync('dangling-target', `${path}/dangling`);
  assert.equal(spawnSync('mkfifo', ['-m', '755', `${path}/pipe`]).status, 0);
  writeFileSync(`${path}/secret \u001b[2J`, 'secret', { mode: 0o111 });
  mkdirSync(`${path}/closed`);
  if (uid !== undefined) {
    chownSync(`${path}/secret \u001b[2J`, uid, uid);
    chownSync(`${path}/closed`, uid, uid);
  }
  chmodSync(`${path}/closed`, 0o300);
  return {
    path,
    programs: PROGRAMS.length + 1,
    unreadable: [
      { path: `${path}/secret \\x1b[2J`, reason: 'EACCES' },
      { path: `${path}/closed`, reason: 'EACCES' },
    ],
    open: () => chmodSync(`${path}/closed`, 0o700),
  };
}
