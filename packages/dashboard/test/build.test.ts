import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { PUBLIC } from './fleet.ts';

const BUDGET_BYTES = 200_000;

interface BuiltFile {
  readonly name: string;
  readonly content: Buffer;
}

function builtFiles(): BuiltFile[] {
  const names = globSync('**/*.{html,js,css,svg}', { cwd: PUBLIC });
  assert.ok(names.includes('index.html'), 'the page is not built; build it with: npm run build:dashboard');
  return names.map((name) => ({ name, content: readFileSync(join(PUBLIC, name)) }));
}

/** What a browser loads before it can show a page: the files that the document names, and all of what these import at once. */
function firstLoad(files: readonly BuiltFile[], from = 'index.html'): string[] {
  const byName = new Map(files.map((file) => [file.name, file]));
  const wanted = [from];
  for (const name of wanted) {
    const text = byName.get(name)?.content.toString() ?? '';
    const named = name.endsWith('.html')
      ? /(?:src|href)="\/([^"]+\.(?:js|css|svg))"/g
      : /(?:from|import)"\.\/([^"]+\.js)"/g;
    for (const [, found = ''] of text.matchAll(named)) {
      const path = name.endsWith('.html') ? found : `assets/${found}`;
      if (!wanted.includes(path)) wanted.push(path);
    }
  }
  return wanted;
}

test('the first load is under 200 kB, compressed, with whichever page is opened', () => {
  const files = builtFiles();
  const sizes = new Map(files.map(({ name, content }) => [name, gzipSync(content).length]));
  const first = firstLoad(files);
  assert.ok(first.some((name) => name.endsWith('.js')) && first.some((name) => name.endsWith('.css')), first.join());
  const common = first.reduce((sum, name) => sum + (sizes.get(name) ?? Number.NaN), 0);
  const pages = files.filter(({ name }) => /-page-[^/]+\.js$/.test(name));
  assert.ok(pages.length >= 3, 'no page is a file of its own');
  for (const { name } of pages) {
    const withPage = firstLoad(files, name).filter((part) => !first.includes(part));
    const total = withPage.reduce((sum, part) => sum + (sizes.get(part) ?? Number.NaN), common);
    assert.ok(total < BUDGET_BYTES, `${name}: ${total} bytes`);
  }
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
