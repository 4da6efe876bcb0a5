import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import * as errors from '@assay/core/errors';
import { ROUTES } from '@assay/wire';
import { ADVERSARY_FILE, adversaryPage, CODES_FILE, codesPage } from '../docs.ts';
import { ROOT } from '../workspace.ts';

test('docs/codes.md is what the table of codes says (npm run docs writes it)', () => {
  assert.equal(readFileSync(CODES_FILE, 'utf8'), codesPage());
});

test('docs/adversary.md is what the table of forgeries says (npm run docs writes it)', () => {
  assert.equal(readFileSync(ADVERSARY_FILE, 'utf8'), adversaryPage());
});

test('every code has its section', () => {
  const page = codesPage();
  const tables = Object.entries(errors).filter(([name]) => name.endsWith('_CODES'));
  const codes = tables.flatMap(([, table]) => Object.keys(table));
  assert.ok(codes.length > 0);
  assert.deepEqual(
    codes.filter((code) => !page.includes(`\n### ${code}\n`)),
    [],
  );
});

test('docs/api.md names every route', () => {
  const page = readFileSync(join(ROOT, 'docs/api.md'), 'utf8');
  const routes = Object.values(ROUTES).map((path) => path.replace(/:(\w+)/, '{$1}'));
  assert.deepEqual(
    routes.filter((path) => !page.includes(`${path}\``)),
    [],
  );
});

test('docs/cli.md names every command and every option that the help names', () => {
  const page = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8');
  const commands = namesIn(help()).flatMap((name) => {
    const members = namesIn(help(name)).map((member) => `${name} ${member}`);
    return members.length === 0 ? [name] : members;
  });
  assert.ok(commands.includes('up') && commands.includes('log verify'));
  assert.deepEqual(
    commands.filter((command) => !page.includes(`### assay ${command}`)),
    [],
  );
  const options = commands.flatMap(
    (command) => help(...command.split(' ')).match(/--[a-z][a-z0-9]*(?:-[a-z0-9]+)*/g) ?? [],
  );
  assert.ok(options.includes('--port'));
  assert.deepEqual(
    options.filter((option) => !page.includes(`${option} `) && !page.includes(`${option}\``)),
    [],
  );
});

/** Commands that a help text lists. */
function namesIn(text: string): string[] {
  const [, list = ''] = /^Commands:\n((?: {2}.*\n?)*)/m.exec(text) ?? [];
  return Array.from(list.matchAll(/^ {2}([a-z]+)/gm), (match) => match[1] ?? '').filter((name) => name !== 'help');
}

function help(...command: string[]): string {
  const args = [join(ROOT, 'packages/cli/bin/assay.js'), ...command, '--help'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

test('links between the documents lead somewhere', () => {
  const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT });
  assert.ok(documents.length > 0);
  const broken = documents.flatMap((document) => brokenLinks(document).map((link) => `${document}: ${link}`));
  assert.deepEqual(broken, []);
});

/** Relative links whose file is not there, or whose heading is not in it. */
function brokenLinks(document: string): string[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const links = Array.from(text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g), (match) => match[1] ?? '');
  return links.filter((link) => {
    const [path = '', heading] = link.split('#');
    const target = path === '' ? document : join(dirname(document), path);
    if (!existsSync(join(ROOT, target))) return true;
    return heading !== undefined && !headings(target).has(heading);
  });
}

/** Anchors as GitHub makes them from headings. */
function headings(document: string): Set<string> {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return new Set(Array.from(text.matchAll(/^#+ (.*)$/gm), (match) => anchor(match[1] ?? '')));
}

function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
