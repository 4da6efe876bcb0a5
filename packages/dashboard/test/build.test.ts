import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { PUBLIC } from './fleet.ts';

const BUDGET_BYTES = 200_000;

function builtFiles(): { name: string; content: Buffer }[] {
  const names = globSync('**/*.{html,js,css,svg}', { cwd: PUBLIC });
  assert.ok(names.includes('index.html'), 'the page is not built; build it with: npm run build:dashboard');
  return names.map((name) => ({ name, content: readFileSync(join(PUBLIC, name)) }));
}

test('the whole page is under 200 kB, compressed', () => {
  const sizes = builtFiles().map(({ content }) => gzipSync(content).length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(total < BUDGET_BYTES, `${total} bytes`);
});

test('the document has no inline script and no inline style', () => {
  const html = readFileSync(join(PUBLIC, 'index.html'), 'utf8');
  assert.doesNotMatch(html, /<style|\sstyle=|\son[a-z]+=/i);
  assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)/i);
});

test('style sheet and document fetch nothing from elsewhere', () => {
  for (const { name, content } of builtFiles().filter((file) => /\.(css|html)$/.test(file.name))) {
    assert.doesNotMatch(content.toString(), /(?:url\(|src=|href=)["']?(?:https?:)?\/\//i, name);
  }
});
