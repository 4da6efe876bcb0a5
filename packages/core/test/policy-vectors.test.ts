import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkRule, kernelForm, parsePolicy, type KernelProfile } from '@assay/core/policy';
import { debian, OPTIONS_6_12 } from './policy-rules.ts';

function rows(name: string): string[] {
  const text = readFileSync(new URL(`vectors/policy/${name}.tsv`, import.meta.url), 'utf8');
  return text.split('\n').filter((row) => row !== '' && row !== '\t');
}

interface Answer {
  readonly said: 'ok' | 'E22' | 'E34';
  readonly readBack: string;
}

/** A line without words is no rule: the kernel takes it and holds nothing. */
function answer(text: string, profile: KernelProfile): Answer {
  const [line] = parsePolicy(text);
  if (line === undefined || line.tokens.length === 0) return { said: 'ok', readBack: '' };
  const checked = checkRule(line, profile);
  if (checked.accepted) return { said: 'ok', readBack: kernelForm(checked.rule, profile) ?? '' };
  return { said: checked.refusal.errno === 'ERANGE' ? 'E34' : 'E22', readBack: '' };
}

for (const release of ['6.1', '6.12', '7.2']) {
  test(`Debian's ${release} and the check agree on every recorded rule`, () => {
    const recorded = rows(`debian-${release}`).map((row) => row.split(/\t(.*)/s, 2));
    assert.equal(recorded.length, 902);
    const wrong = recorded.filter(([said, rule = '']) => answer(rule, debian(release)).said !== said);
    assert.deepEqual(wrong, []);
  });
}

test('a 6.12 kernel with many options and the check agree on every recorded rule and on its form when read back', () => {
  const recorded = rows('options-6.12').map((row) => row.split('\t'));
  assert.equal(recorded.length, 391);
  for (const fields of recorded) {
    const rule = fields.slice(0, -4).join('\t');
    const [refused, error, , readBack] = fields.slice(-4);
    const said = refused === '0' ? 'ok' : error === 'Numerical result out of range' ? 'E34' : 'E22';
    assert.deepEqual(answer(rule, OPTIONS_6_12), { said, readBack }, rule.slice(0, 200));
  }
});
