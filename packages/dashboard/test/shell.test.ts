import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { assayCommand, withInput } from '../src/text/shell.ts';

/** What a shell gives a command line's program for its words. @param line of `assay` */
function wordsOf(line: string): string[] {
  const script = `assay() { printf '%s\\0' "$@"; }\n${line}\n`;
  const { status, stdout, stderr } = spawnSync('/bin/bash', ['--norc', '-c', script], {
    encoding: 'utf8',
    env: { LC_ALL: 'C.UTF-8' },
  });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout.split('\0').slice(0, -1);
}

const NO_ZERO = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }).filter((text) => !text.includes('\0'));

test('a shell reads each word of a command as it was, whatever is in it, and a terminal has nothing to obey', () => {
  const many = fc.array(NO_ZERO, { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(many, (values) => {
      const line = assayCommand(['hosts', 'get'], { verdict: ['failed'], text: `=${values.join('')}` });
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
      assert.deepEqual(wordsOf(line), ['hosts', 'get', '--verdict', 'failed', '--text', `=${values.join('')}`]);
    }),
    { numRuns: 20 },
  );
});

test('what begins with a hyphen is no option, and what is not given is not there', () => {
  const line = assayCommand(['findings', 'show', '-rf'], { text: '--all', code: undefined, known: false, new: true });
  assert.deepEqual(wordsOf(line), ['findings', 'show', '--text=--all', '--new', '--', '-rf']);
});

test('a text on standard input is given whole, whatever its lines are', () => {
  for (const text of ['', 'one', 'END\nEND_\n', "it's $HOME `id` \\\n"]) {
    const script = `assay() { cat; }\n${withInput('assay policy check -', text)}`;
    const { stdout } = spawnSync('/bin/bash', ['--norc', '-c', script], { encoding: 'utf8' });
    assert.equal(stdout, text.endsWith('\n') ? text : `${text}\n`);
  }
});
