import { utf8 } from '@assay/core/bytes';
import { together } from '../comparisons.ts';
import type { Guest, Suite } from '../suite.ts';
import { addedKeys, KEY_POLICIES, keyCertificates, keyLine } from './cases.ts';
import { judgeKeys } from './judge.ts';

const ADDED = { all: 150, few: 30 } as const;
const TIMEOUT_MS = 10 * 60 * 1000;

/** Which keys that are added to keyrings kernels measure, and what their entries hold. */
export const keyMeasurements: Suite = {
  name: 'key-measurements',
  title: 'keys added to keyrings: entries, and which rule makes them',
  guests: ({ seed, few }) => {
    const certificates = keyCertificates();
    const policies = few ? KEY_POLICIES.slice(1) : KEY_POLICIES;
    return policies.map((policy, index): Guest => {
      const keys = addedKeys(seed + index, few ? ADDED.few : ADDED.all);
      const files = new Map([...certificates, ['policy', lines(policy)], ['keys', lines(keys.map(keyLine))]]);
      return { program: 'key-measurements.py', files, timeoutMs: TIMEOUT_MS };
    });
  },
  judge: (answers) => together(answers.map(judgeKeys)),
};

function lines(all: readonly string[]): Uint8Array {
  return utf8(all.map((line) => `${line}\n`).join(''));
}
