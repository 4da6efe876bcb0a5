import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  decideAccess,
  decideLabelChange,
  imaSignatureVerdict,
  kernelLabel,
  labelAlgorithm,
  NOTHING_REMEMBERED,
  recordText,
  RECORD_TYPES,
  type AccessDecision,
  type AppraisalMemory,
  type AppraisingKernel,
  type Collected,
} from '@assay/core/appraisal';
import { concat, fromHex, utf8 } from '@assay/core/bytes';
import { hashAlgorithm, hashNamed, type HashName } from '@assay/core/hash';
import { keyIdOfCertificate, keyIdOfPublicKey, parseCertificate, parsePublicKey } from '@assay/core/keys';
import { encodeImaLabel, type LabelKey, type SignedForm } from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import {
  ACCESS,
  acceptedRules,
  activate,
  checkPolicy,
  evaluate,
  parsePolicy,
  plainSubject,
  type ActivePolicy,
  type EventFunction,
  type KernelProfile,
} from '@assay/core/policy';
import { debian, OPTIONS_6_12 } from './policy-rules.ts';

const vector = (name: string): string => readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8');
const rows = (name: string): string[][] =>
  vector(`appraisal/${name}`)
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));

function policyOf(text: string, profile: KernelProfile): ActivePolicy {
  const { rules } = checkPolicy(parsePolicy(text), profile);
  for (const rule of rules) assert.ok(rule.accepted, rule.text);
  return activate(acceptedRules(rules), profile);
}

function rulesFor(policy: ActivePolicy, func: EventFunction, mask: number, owner: number) {
  return evaluate(policy, {
    func,
    mask,
    subject: plainSubject(0, 0),
    file: { magic: 0xef53n, type: 'ext4', subtype: '', owner, group: 0 },
  });
}

describe('a Debian 6.1 kernel', () => {
  const profile = debian('6.1');
  const kernel: AppraisingKernel = { version: profile.version, mode: 'enforce', imaHash: 'sha256' };
  const policy = policyOf(vector('appraisal/policy-6.1.txt'), profile);
  const certificate = parseCertificate(readFileSync(new URL('vectors/labels/rsa-6.1.der', import.meta.url)));
  const keys = [{ keyId: keyIdOfCertificate(nodeHasher, certificate), publicKey: certificate.publicKey }];
  const files = rows('files-6.1.tsv').map(
    ([name = '', inode = '', owner = '', content = '', label = '', answer = '']) => {
      return { name, inode, owner: Number(owner), content, label: label === '-' ? null : fromHex(label), answer };
    },
  );
  const lines = vector('appraisal/audit-6.1.txt').trim().split('\n');

  function collect(content: string, algorithm: HashName): Collected {
    const [kind = '', value = ''] = content.split(':');
    if (kind === 'text') return { algorithm, value: createHash(algorithm).update(`${value}\n`).digest() };
    assert.equal(kind, algorithm);
    return { algorithm, value: fromHex(value) };
  }

  function decisionOn({ owner, content, label, name }: (typeof files)[number]): AccessDecision {
    const [func, mask] = name.startsWith('e_')
      ? (['BPRM_CHECK', ACCESS.MAY_EXEC] as const)
      : (['FILE_CHECK', ACCESS.MAY_READ] as const);
    const collected = collect(content, labelAlgorithm(label, 'sha256', kernel));
    const signature = (raw: Uint8Array, digest: Exclude<Collected, string>) =>
      imaSignatureVerdict(raw, digest, keys, nodeCrypto);
    const file = { label, evm: 'unknown', signature, empty: false, collected } as const;
    return decideAccess(rulesFor(policy, func, mask, owner), {}, file, kernel);
  }

  for (const file of files) {
    test(`${file.name}: ${file.answer}`, () => {
      assert.equal(decisionOn(file).allowed ? 'allow' : 'deny', file.answer);
    });
  }

  test('wrote every record of a denied access as we do, byte for byte', () => {
    const records = lines.filter((line) => !line.includes('op=set_data'));
    const named = new Set(records.map((line) => /name="\/t\/(\w+)"/.exec(line)?.[1]));
    assert.deepEqual([records.length, named.size], [20, 13]);
    for (const line of records) {
      const [, name, pid, comm = ''] =
        / pid=(?=(?:\d+).*name="\/t\/(\w+)")(\d+).*comm="(\w+)"/.exec(line) ?? assert.fail(line);
      const file = files.find((one) => one.name === name) ?? assert.fail(line);
      const [record, ...more] = decisionOn(file).records;
      assert.ok(record !== undefined && more.length === 0, line);
      const subject = {
        pid: Number(pid),
        uid: 0,
        subj: 'unconfined',
        comm: utf8(comm),
        path: utf8(`/t/${name}`),
        dev: 'vda',
        inode: BigInt(file.inode),
      };
      const stamp = /audit\([\d.:]+\)/.exec(line)?.[0];
      assert.equal(`type=${RECORD_TYPES[record.type]} ${stamp}: ${recordText(record, subject, kernel)}`, line);
    }
  });

  test('refused labels of algorithms that it has only as modules', () => {
    const refused = lines.filter((line) => line.includes('op=set_data'));
    assert.equal(refused.length, 2);
    const label = (algorithm: HashName) =>
      kernelLabel({ algorithm, value: new Uint8Array(hashAlgorithm(algorithm).size) });
    const writer = { isAdmin: true };
    const on = (algorithm: HashName) =>
      decideLabelChange(label(algorithm), writer, { ...kernel, algorithms: profile.algorithms });
    assert.deepEqual(on('sha256'), { allowed: true, records: [] });
    const { error, records } = on('sha384');
    assert.equal(error, 'EACCES');
    assert.equal(records[0]?.cause, 'unavailable-hash-algorithm');
    for (const line of refused) assert.ok(line.includes(`op=set_data cause=${records[0]?.cause} `), line);
  });
});

interface Pair {
  readonly key: LabelKey;
  readonly privateKey: KeyObject;
}

function pairOf({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): Pair {
  const parsed = parsePublicKey(publicKey.export({ format: 'der', type: 'spki' }));
  return { key: { keyId: keyIdOfPublicKey(nodeHasher, parsed), publicKey: parsed }, privateKey };
}

describe('a 6.12 kernel, access after access', () => {
  const CONTENT = utf8('#!/bin/sh\nexit 0\n');
  const APPENDED = concat([CONTENT, utf8('\n')]);
  const kernel: AppraisingKernel = { version: { major: 6, minor: 12 }, mode: 'enforce', imaHash: 'sha256' };
  const policy = policyOf(
    'appraise fowner=1000\nappraise fowner=1001 appraise_type=imasig\n' +
      'appraise func=BPRM_CHECK fowner=1002 digest_type=verity appraise_type=sigv3\n' +
      'appraise fowner=1003 appraise_algos=sha256,sha384\n',
    OPTIONS_6_12,
  );
  const rsa = pairOf(generateKeyPairSync('rsa', { modulusLength: 2048 }));
  const other = pairOf(generateKeyPairSync('rsa', { modulusLength: 2048 }));
  const p256 = pairOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const p384 = pairOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }));
  const keys = [rsa.key, p256.key, p384.key];

  const digest = (algorithm: HashName, content: Uint8Array = CONTENT): Uint8Array =>
    createHash(algorithm).update(content).digest();
  const bytes = (...parts: (number | Uint8Array)[]): Uint8Array =>
    concat(parts.map((part) => (typeof part === 'number' ? Uint8Array.of(part) : part)));
  const verityDigest = createHash('sha256').update('of fs-verity').digest();

  /** Signs what Node digests: of version 2 the content, of version 3 the type, the algorithm and the digest. */
  function signed(pair: Pair, algorithm: HashName, form: SignedForm, value = digest(algorithm)): Uint8Array {
    const message =
      form.version === 2 ? CONTENT : bytes(form.type, hashAlgorithm(hashNamed(algorithm).name).kernelId, value);
    const signature = sign(algorithm, message, pair.privateKey);
    return encodeImaLabel({ kind: 'signature', ...form, algorithm, keyId: pair.key.keyId, signature });
  }

  const V2 = { type: 3, version: 2 } as const;
  const V3 = { type: 3, version: 3 } as const;
  const VERITY = { type: 6, version: 3 } as const;
  const good = signed(rsa, 'sha256', V2);
  const v1 = bytes(fromHex('0301'), new Uint8Array(4), fromHex('0000'), new Uint8Array(8), fromHex('010020deadbeef'));
  const LABELS: Readonly<Record<string, Uint8Array | null>> = {
    empty: null, // Setting an empty value is refused.
    none: null,
    md5: bytes(1, digest('md5')),
    md5pad: bytes(1, digest('md5'), new Uint8Array(4)),
    sha1: bytes(1, digest('sha1')),
    sha1ng: bytes(4, 2, digest('sha1')),
    sha256: bytes(4, 4, digest('sha256')),
    sha512: bytes(4, 6, digest('sha512')),
    sha256bad: bytes(4, 4, digest('sha256', APPENDED)),
    hashlong: bytes(4, 4, digest('sha256'), 1, 2, 3),
    ngempty: bytes(4, 4),
    ngshort: bytes(4, 4, digest('sha256').subarray(0, 31)),
    ngunk: bytes(4, 0xff, digest('sha256')),
    rsa: good,
    rsa512: signed(rsa, 'sha512', V2),
    p256: signed(p256, 'sha256', V2),
    p384: signed(p384, 'sha384', V2),
    sigbad: good.with(good.length - 1, (good.at(-1) ?? 0) ^ 1),
    sighashid: good.with(2, 0xff),
    sigother: signed(other, 'sha256', V2),
    sigsize: good.with(8, (good[8] ?? 0) ^ 1),
    sigtrunc: good.subarray(0, -1),
    sigv1: v1,
    sigv3: signed(rsa, 'sha256', V3),
    sigv4: good.with(1, 4),
    type0: bytes(0, digest('sha256')),
    type2: bytes(2, digest('sha1')),
    type5: good.with(0, 5),
    verity6: signed(rsa, 'sha256', VERITY, verityDigest),
    vdig: bytes(4, 4, digest('sha256')),
    vplain: signed(rsa, 'sha256', VERITY, verityDigest),
    vgood: signed(rsa, 'sha256', VERITY, verityDigest),
    vbad: signed(rsa, 'sha256', VERITY, digest('sha256')),
  };
  const WITH_VERITY: ReadonlySet<string> = new Set(['vdig', 'vgood', 'vbad']);

  interface State {
    label: Uint8Array | null;
    content: Uint8Array;
    memory: AppraisalMemory;
  }

  function access(name: string, how: string, owner: number, state: State): string {
    const writes = how === 'append';
    const hooks: [EventFunction, number][] = [
      [
        'FILE_CHECK',
        how === 'exec' ? ACCESS.MAY_EXEC : writes ? ACCESS.MAY_WRITE | ACCESS.MAY_APPEND : ACCESS.MAY_READ,
      ],
      ...(how === 'exec' ? ([['BPRM_CHECK', ACCESS.MAY_EXEC]] as [EventFunction, number][]) : []),
    ];
    for (const [func, mask] of hooks) {
      const rules = rulesFor(policy, func, mask, owner);
      const algorithm = labelAlgorithm(state.label, 'sha256', kernel);
      const plain: Collected = { algorithm, value: digest(algorithm, state.content) };
      const verity: Collected = WITH_VERITY.has(name)
        ? { algorithm: 'sha256', value: verityDigest }
        : 'no-verity-digest';
      const file = {
        label: state.label,
        evm: 'unknown',
        empty: false,
        signature: (raw: Uint8Array, collected: Exclude<Collected, string>) =>
          imaSignatureVerdict(raw, collected, keys, nodeCrypto),
        collected: rules.demands.verity ? verity : plain,
      } as const;
      const decision = decideAccess(rules, { writes }, file, kernel, state.memory);
      state.memory = decision.memory;
      const [record] = decision.records;
      const told = record === undefined ? '' : `1800:${record.op}:${record.cause}:res${record.success ? 1 : 0}`;
      if (!decision.allowed) return `denied ${told}`.trim();
      assert.equal(told, '');
    }
    if (writes) written(owner, state);
    return 'ok';
  }

  /** Closed by the last writer: what was appraised gets a new label (ima_update_xattr), and is looked at anew. */
  function written(owner: number, state: State): void {
    state.content = APPENDED;
    state.memory = { ...NOTHING_REMEMBERED, isSigned: state.memory.isSigned };
    if (owner !== 1002) state.label = kernelLabel({ algorithm: 'sha256', value: digest('sha256', state.content) });
  }

  const recorded = rows('enforce-6.12.tsv').filter(([, , name = '']) => Object.hasOwn(LABELS, name));
  const files = new Set(recorded.map(([, owner, name]) => `${owner} ${name}`));
  test('there are cases enough', () => {
    assert.deepEqual([files.size, recorded.length], [120, 600]);
  });
  for (const file of files) {
    const [owner = '', name = ''] = file.split(' ');
    const mine = recorded.filter((row) => row[1] === owner && row[2] === name);
    test(`${mine.length} accesses of a file of ${owner} labelled ${name}`, () => {
      const state: State = { label: LABELS[name] ?? null, content: CONTENT, memory: NOTHING_REMEMBERED };
      for (const [, , , how = '', answer = '', record = ''] of mine) {
        // fs-verity refuses to open a file for writing before IMA is asked.
        if (answer.endsWith('Operation not permitted')) {
          assert.ok(WITH_VERITY.has(name) && how === 'append');
          continue;
        }
        const expected = answer === 'ok' ? 'ok' : `denied ${record.trim()}`.trim();
        assert.equal(access(name, how, Number(owner), state), expected, how);
      }
    });
  }
});
