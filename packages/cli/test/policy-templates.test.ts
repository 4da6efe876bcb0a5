import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  checkPolicy,
  debianOptions,
  formatPolicy,
  lintPolicy,
  parseKernelVersion,
  parsePolicy,
} from '@assay/core/policy';
import { ROOT } from './assay.ts';

const DIRECTORY = `${ROOT}docs/policies`;
const NAMES = readdirSync(DIRECTORY);

test('there are four policies to start from, and the manual has the figures of each', () => {
  assert.deepEqual(NAMES.toSorted(), [
    'bastion-enforce.policy',
    'container-host.policy',
    'measurement-only.policy',
    'package-signed.policy',
  ]);
  const page = readFileSync(`${ROOT}docs/policies.md`, 'utf8');
  for (const name of NAMES) assert.ok(page.includes(`](policies/${name})`), name);
});

for (const name of NAMES) {
  const text = readFileSync(`${DIRECTORY}/${name}`, 'utf8');
  for (const release of ['6.1', '6.12', '7.2']) {
    test(`docs/policies/${name} is accepted by Debian's ${release}, and no lint is left`, () => {
      const version = parseKernelVersion(release);
      const profile = { name: release, version, ...debianOptions(version) };
      const lines = parsePolicy(text);
      const checked = checkPolicy(lines, profile);
      const refused = checked.rules.flatMap((rule) => (rule.accepted ? [] : [rule.refusal.message]));
      assert.deepEqual([refused, checked.load, checked.accepted], [[], [], true]);
      assert.deepEqual(lintPolicy(lines, checked.rules, profile), []);
    });
  }
  test(`docs/policies/${name} is formatted`, () => {
    assert.equal(formatPolicy(parsePolicy(text)), text);
  });
}
