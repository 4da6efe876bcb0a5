import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { TOKENS } from './fleet.ts';

const ASSAY = fileURLToPath(new URL('../../cli/bin/assay.js', import.meta.url));

/** A shell in a directory of its own, in which `assay` is that of this tree and the operator's token is at hand. */
export class Shell {
  readonly directory: string;

  constructor(t: TestContext) {
    this.directory = mkdtempSync(join(tmpdir(), 'assay-copied-'));
    t.after(() => rmSync(this.directory, { recursive: true, force: true }));
    const program = join(this.directory, 'assay');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${ASSAY}' "$@"\n`);
    chmodSync(program, 0o755);
  }

  /** What a command line writes. It ends well: 0, or 1 where the answer is no. */
  async run(line: string): Promise<string> {
    const env = { PATH: `${this.directory}:/usr/bin:/bin`, HOME: this.directory, ASSAY_TOKEN: TOKENS.operator };
    const child = spawn('/bin/bash', ['--norc', '-c', line], {
      cwd: this.directory,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [output, complaint] = await Promise.all([textOf(child.stdout), textOf(child.stderr), once(child, 'close')]);
    assert.ok(child.exitCode === 0 || child.exitCode === 1, `${line}\n${complaint}`);
    assert.equal(complaint, '', line);
    return output;
  }

  /** The document that the command writes with `-o json`. */
  async document<Document>(line: string, schema: { parse: (value: unknown) => Document }): Promise<Document> {
    return schema.parse(JSON.parse(await this.run(line.replace(/^assay \S+ \S+/, '$& -o json'))));
  }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Presses the button of the page and takes what is on the clipboard then. */
export async function copiedFrom(page: Page): Promise<string> {
  await page.evaluate(() => navigator.clipboard.writeText(''));
  await page.getByRole('button', { name: /^Copy as/ }).click();
  await page
    .getByRole('status')
    .filter({ hasText: /^Copied: assay / })
    .first()
    .waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}
