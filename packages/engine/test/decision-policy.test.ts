import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { keyIdOfPublicKey, parsePublicKey } from '@assay/core/keys';
import { encodeImaLabel, type LabelKey } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import {
  builtinEnginePolicy,
  checkPolicySignature,
  DEFAULT_POLICY,
  policyOfText,
  policyText,
} from '../src/decision/policy.ts';
import { engineProfile } from '../src/decision/profile.ts';

const profile = engineProfile();
const TEXT = utf8('# what runs\nmeasure  mask=MAY_EXEC func=BPRM_CHECK\n');

test('the policy of the engine, and those of the kernel by their names', () => {
  const own = builtinEnginePolicy(DEFAULT_POLICY, profile).rules.map(({ text }) => text);
  assert.ok(own.includes('measure func=BPRM_CHECK mask=MAY_EXEC'));
  const { rules } = builtinEnginePolicy('builtin:tcb|appraise_tcb', profile);
  assert.ok(rules.some(({ text }) => text === 'appraise fowner=0'));
  assert.throws(() => builtinEnginePolicy('builtin:tbc', profile), { code: 'BUILTIN-NAME' });
});

test('a policy is taken whole or not at all, and read back as the kernel does', () => {
  const policy = policyOfText('FILE', TEXT, profile);
  assert.equal(policyText(policy, profile), 'measure func=BPRM_CHECK mask=MAY_EXEC \n');
  const refused: [string, number][] = [
    ['measure func=BPRM_CHECK\nmeasure func=BPRN_CHECK\n', 2],
    ['measure obj_type=bin_t\n', 1],
    ['# nothing\n', 1],
    ['measure func=KEY_CHECK\n', 1],
  ];
  for (const [text, line] of refused) {
    assert.throws(() => policyOfText('FILE', utf8(text), profile), { code: 'POLICY-REFUSED', place: { line } }, text);
  }
});

test('a signed policy is accepted by the key that signed it, and no other text and no other key', () => {
  const pair = (): { key: LabelKey; label: (text: Uint8Array) => Uint8Array } => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const parsed = parsePublicKey(Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' })));
    const keyId = keyIdOfPublicKey(nodeHasher, parsed);
    const label = (text: Uint8Array): Uint8Array => {
      const signature = sign('sha256', text, privateKey);
      return encodeImaLabel({ kind: 'signature', type: 3, version: 2, algorithm: 'sha256', keyId, signature });
    };
    return { key: { keyId, publicKey: parsed }, label };
  };
  const [own, other] = [pair(), pair()];
  const label = own.label(TEXT);
  checkPolicySignature(TEXT, label, [other.key, own.key]);
  assert.throws(() => checkPolicySignature(TEXT, label, [other.key]), { code: 'IMA-SIG-KEY-UNKNOWN' });
  assert.throws(() => checkPolicySignature(utf8('measure\n'), label, [own.key]), { code: 'IMA-SIG-INVALID' });
  for (let length = 0; length < label.length; length += 7) {
    assert.throws(() => checkPolicySignature(TEXT, label.subarray(0, length), [own.key]), {
      name: 'VerificationError',
    });
  }
});
