import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  decideAccess,
  decideEvmChange,
  decideLabelChange,
  evmStatus,
  imaSignatureVerdict,
  kernelLabel,
  labelAlgorithm,
  NOTHING_REMEMBERED,
  RECORD_TYPES,
  type AccessDecision,
  type AppraisalMemory,
  type AppraisingKernel,
  type Change,
  type ChangeDecision,
  type Collected,
  type EvmState,
  type IntegrityRecord,
} from '@assay/core/appraisal';
import { concat, fromHex, toHex, utf8 } from '@assay/core/bytes';
import { DEBIAN_EVM_XATTRS, EVM_XATTRS } from '@assay/core/evm';
import { keyIdOfCertificate, parseCertificate } from '@assay/core/keys';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import {
  ACCESS,
  acceptedRules,
  activate,
  checkPolicy,
  evaluate,
  hasVersion,
  parsePolicy,
  plainSubject,
  type ActivePolicy,
  type EventFunction,
  type KernelProfile,
} from '@assay/core/policy';
import { VerityDigest } from '@assay/core/verity';
import { debian } from './policy-rules.ts';

const vector = (name: string): Buffer => readFileSync(new URL(`vectors/appraisal/lab/${name}`, import.meta.url));
const linesOf = (name: string): string[] => vector(name).toString().trimEnd().split('\n');

const CONTENT = utf8('#!/bin/sh\nexit 0\n');
const LABELS = new Map(linesOf('labels.txt').map((line) => line.split(' ') as [string, string]));
const certificate = parseCertificate(vector('ima.der'));
const KEYS = [{ keyId: keyIdOfCertificate(nodeHasher, certificate), publicKey: certificate.publicKey }];
const ADMIN = { isAdmin: true };
const ERRNO = { EPERM: 1, EACCES: 13, EINVAL: 22 } as const;

function profileOf(release: string): KernelProfile {
  const profile = debian(release);
  // CONFIG_CRYPTO_SHA3=y in that kernel.
  return release === '6.12' ? { ...profile, algorithms: [...profile.algorithms, 'sha3-256'] } : profile;
}

const RULES = [
  'appraise fowner=1000',
  'appraise fowner=1001 appraise_type=imasig',
  'appraise func=BPRM_CHECK fowner=1002 digest_type=verity appraise_type=sigv3',
  'appraise fowner=1003 appraise_algos=sha256',
  'appraise fowner=1004 permit_directio',
  'appraise func=MMAP_CHECK fowner=1005',
];

function policyOf(profile: KernelProfile): ActivePolicy {
  const rules = hasVersion(profile, '7.1') ? [...RULES, 'appraise fowner=1006 appraise_type=sigv3'] : RULES;
  const checked = checkPolicy(parsePolicy(`${rules.join('\n')}\n`), profile).rules;
  for (const rule of checked) assert.ok(rule.accepted, rule.text);
  return activate(acceptedRules(checked), profile);
}

function rulesFor(policy: ActivePolicy, [func, mask]: readonly [EventFunction, number], owner: number) {
  const file = { magic: 0xef53n, type: 'ext4', subtype: '', owner, group: 0 };
  return evaluate(policy, { func, mask, subject: plainSubject(0, 0), file });
}

function recordsText(records: readonly IntegrityRecord[]): string {
  const texts = records.map(({ type, op, cause, success }) => {
    assert.equal(success, false);
    return `${type === 'INTEGRITY_DATA' ? '' : `${RECORD_TYPES[type]}/`}${op}/${cause}`;
  });
  return texts.join('+');
}

const digest = (algorithm: string, content: Uint8Array): Uint8Array => createHash(algorithm).update(content).digest();

/** A file as it goes from access to access. */
interface FileState {
  readonly owner: number;
  readonly hasVerity: boolean;
  label: Uint8Array | null;
  content: Uint8Array;
  memory: AppraisalMemory;
  /** The kernel has a digest, so that O_DIRECT does no harm. */
  isCollected: boolean;
}

type Hook = readonly [EventFunction, number];
const { MAY_READ: READ, MAY_WRITE: WRITE, MAY_EXEC: EXEC, MAY_APPEND: APPEND } = ACCESS;

/** With what each access asks the policy. */
function hooksOf(access: string, profile: KernelProfile): readonly Hook[] {
  const mapping: Hook[] = hasVersion(profile, '6.3')
    ? [
        ['MMAP_CHECK_REQPROT', EXEC],
        ['MMAP_CHECK', EXEC],
      ]
    : [['MMAP_CHECK', EXEC]];
  switch (access) {
    case 'exec':
      // Before 6.14 scripts themselves were asked about with CREDS_CHECK, not their interpreters alone.
      return [
        ['FILE_CHECK', EXEC],
        ['BPRM_CHECK', EXEC],
        ...(hasVersion(profile, '6.12') ? [] : ([['CREDS_CHECK', EXEC]] as Hook[])),
      ];
    case 'map':
      return [['FILE_CHECK', READ], ...mapping];
    case 'mapwriter':
      return [['FILE_CHECK', READ | WRITE], ['FILE_CHECK', READ], ...mapping];
    case 'write':
      return [['FILE_CHECK', WRITE | APPEND]];
    case 'trunc':
    case 'create':
    case 'touch':
      return [['FILE_CHECK', WRITE]];
    default:
      return [['FILE_CHECK', READ]];
  }
}

interface Machine {
  readonly profile: KernelProfile;
  readonly kernel: AppraisingKernel;
  readonly policy: ActivePolicy;
}

function askHook(access: string, hook: Hook, state: FileState, machine: Machine): AccessDecision {
  const { kernel, policy } = machine;
  const rules = rulesFor(policy, hook, state.owner);
  const creates = access === 'create' || access === 'touch';
  const isDirect = access === 'direct';
  const decision = decideAccess(
    rules,
    {
      writes: (hook[1] & WRITE) !== 0,
      creates,
      isDirect,
      isMappedForWriting: access === 'mapwriter' && hook[0] !== 'FILE_CHECK',
    },
    {
      label: state.label,
      evm: 'unknown',
      empty: creates || state.content.length === 0,
      collected: collect(state, rules.demands.verity, isDirect, kernel),
      signature: (label, collected) => imaSignatureVerdict(label, collected, KEYS, nodeCrypto),
    },
    kernel,
    state.memory,
  );
  if (rules.actions.has('appraise') && !isDirect) state.isCollected = true;
  state.memory = decision.memory;
  for (const { name, value } of decision.writes) if (name === 'security.ima') state.label = value;
  return decision;
}

function collect(state: FileState, verity: boolean, isDirect: boolean, kernel: AppraisingKernel): Collected {
  if (verity && !state.hasVerity) return 'no-verity-digest';
  if (verity) return { algorithm: 'sha256', value: new VerityDigest(nodeHasher).update(CONTENT).finish().digest };
  if (isDirect && !state.isCollected) return 'failed(directio)';
  const algorithm = labelAlgorithm(state.label, kernel.imaHash, kernel);
  return { algorithm, value: digest(algorithm, state.content) };
}

/** @returns error number and records, as the vectors have them */
function doAccess(access: string, state: FileState, machine: Machine): string {
  const told: IntegrityRecord[] = [];
  for (const hook of hooksOf(access, machine.profile)) {
    const { allowed, records } = askHook(access, hook, state, machine);
    told.push(...records);
    if (!allowed) return `13:${recordsText(told)}`;
  }
  const written = { write: concat([state.content, utf8('\n')]), trunc: utf8(''), create: CONTENT, touch: utf8('') };
  if (access in written) closeWritten(written[access as keyof typeof written], access, state, machine);
  return `0:${recordsText(told)}`;
}

/** What closing does to a file that was written: a file that counts as signed keeps its label (ima_update_xattr). */
function closeWritten(content: Uint8Array, access: string, state: FileState, machine: Machine): void {
  const isAppraised = hooksOf(access, machine.profile).some((hook) =>
    rulesFor(machine.policy, hook, state.owner).actions.has('appraise'),
  );
  const { isSigned } = state.memory;
  if (isAppraised && !isSigned) state.label = kernelLabel({ algorithm: 'sha256', value: digest('sha256', content) });
  Object.assign(state, { content, memory: { ...NOTHING_REMEMBERED, isSigned }, isCollected: false });
}

const RUNS = [
  ['6.1', 'enforce', 678],
  ['6.1', 'fix', 678],
  ['6.12', 'enforce', 678],
  ['7.2', 'enforce', 848],
  ['7.2', 'fix', 848],
] as const;

for (const [release, mode, count] of RUNS)
  describe(`Debian ${release}, ima_appraise=${mode}`, () => {
    const profile = profileOf(release);
    const kernel: AppraisingKernel = { version: profile.version, mode, imaHash: 'sha256' };
    const machine: Machine = { profile, kernel, policy: policyOf(profile) };
    const rows = linesOf(`${release}-${mode}.tsv`).map((line) => line.split('\t'));

    test('set the labels that we say it sets', () => {
      for (const [owner, name, label = '', , error] of rows) {
        if (label === '-') continue;
        const decision = decideLabelChange(fromHex(LABELS.get(label) ?? ''), ADMIN, {
          ...kernel,
          algorithms: profile.algorithms,
        });
        assert.equal(String(errnoOf(decision)), error, `${owner} ${name}`);
      }
    });

    test(`answered ${count} accesses of ${rows.length} files as we do, with the same records and labels`, () => {
      let asked = 0;
      for (const [owner = '', name = '', label = '', verity, error, ...steps] of rows) {
        const state: FileState = {
          owner: Number(owner),
          hasVerity: verity === 'verity',
          label: label === '-' || error !== '0' ? null : fromHex(LABELS.get(label) ?? ''),
          content: CONTENT,
          memory: NOTHING_REMEMBERED,
          isCollected: false,
        };
        for (const step of steps) {
          const [access = '', code, records, changed] = step.split(':');
          const before = state.label;
          const what = `${owner} ${name} ${step}`;
          assert.equal(doAccess(access, state, machine), `${code}:${records}`, what);
          const after = changed === undefined ? before : changed === '-' ? null : fromHex(changed);
          assert.equal(state.label && toHex(state.label), after && toHex(after), what);
          asked++;
        }
      }
      assert.equal(asked, count);
    });
  });

function errnoOf({ allowed, error }: ChangeDecision): number {
  return allowed ? 0 : ERRNO[error ?? assert.fail()];
}

const IMA = concat([Uint8Array.of(4, 4), digest('sha256', CONTENT)]);
const CAPABILITY = fromHex('0100000202000000000000000000000000000000');
const xattr = (name: string, value: Uint8Array | null): Change => ({ kind: 'xattr', name, value });

const CHANGES: Readonly<Record<string, Change>> = {
  'ima-same': xattr('security.ima', IMA),
  'ima-other': xattr('security.ima', concat([Uint8Array.of(4, 4), new Uint8Array(32)])),
  'ima-remove': xattr('security.ima', null),
  'evm-signature': xattr('security.evm', fromHex('050204a0b1c2d30001aa')),
  'evm-hmac': xattr('security.evm', concat([Uint8Array.of(2), new Uint8Array(20)])),
  'evm-empty': xattr('security.evm', new Uint8Array(0)),
  'evm-remove': xattr('security.evm', null),
  caps: xattr('security.capability', CAPABILITY),
  smack: xattr('security.SMACK64', utf8('*')),
  user: xattr('user.a', utf8('1')),
  'chmod-same': { kind: 'attributes', changes: false },
  'chmod-other': { kind: 'attributes', changes: true },
  'chown-same': { kind: 'attributes', changes: false },
  'chown-other': { kind: 'attributes', changes: true },
  'acl-same': { kind: 'acl', changes: false },
  'acl-other': { kind: 'acl', changes: true },
};

const shown = (value: Uint8Array | null | undefined): string =>
  value === undefined ? 'as before' : value === null ? '-' : toHex(value);

/** Attributes besides security.evm of the kinds of files. */
function xattrsOf(kind: string): ReadonlyMap<string, Uint8Array> {
  if (kind === 'bare' || kind === 'hmacbare') return new Map();
  if (kind === 'smack') return new Map([['security.SMACK64', utf8('_')]]);
  const label: [string, Uint8Array] = ['security.ima', IMA];
  return new Map(kind === 'caps' ? [label, ['security.capability', CAPABILITY]] : [label]);
}

for (const [release, file, change] of [
  ['6.12', 'evm-6.12.tsv', {}],
  ['7.2', 'evm-7.2.tsv', {}],
  ['7.2', 'evm-fix-7.2.tsv', { fix: true, x509: false }],
] as const)
  describe(`Debian ${release} with EVM, ${file}`, () => {
    const profile = profileOf(release);
    const kernel: AppraisingKernel = { version: profile.version, mode: 'enforce', imaHash: 'sha256' };
    const policy = policyOf(profile);
    const [uuid = '', ...lines] = linesOf(file);
    const state: EvmState = {
      version: profile.version,
      hmacKey: Uint8Array.from({ length: 64 }, (_, index) => 3 * index + 1),
      x509: true,
      keys: KEYS,
      enabled: DEBIAN_EVM_XATTRS,
      listed: EVM_XATTRS,
      wordBits: 64,
      ...change,
    };
    const rows = lines.map((line) => {
      const [
        owner = '',
        kind = '',
        step = '',
        code = '',
        records = '',
        inode = '',
        generation = '',
        evm = '',
        after = '',
      ] = line.split('\t');
      const metadata = {
        inode: BigInt(inode),
        generation: Number(generation),
        uid: Number(owner),
        gid: 0,
        mode: 0o100755,
        xattrs: xattrsOf(kind),
      };
      const fsUuid = fromHex(uuid.replaceAll('-', ''));
      const file = { evm: evm === '-' ? null : fromHex(evm), metadata, fsUuid, isRegular: true, isNew: false };
      return {
        what: `${owner} ${kind} ${step}`,
        owner: Number(owner),
        step,
        answer: `${code}:${records}`,
        file,
        after,
      };
    });

    test('opened the files that we say it opens, and replaced signatures by the same HMACs', () => {
      const opened = rows.filter(({ step }) => !Object.hasOwn(CHANGES, step));
      assert.equal(opened.length, 64);
      for (const { what, owner, step, answer, file, after } of opened) {
        const { status, writes, repair } = evmStatus(file, state, nodeCrypto);
        const mask = step === 'read' ? READ : WRITE;
        const { allowed, records, ...decision } = decideAccess(
          rulesFor(policy, ['FILE_CHECK', mask], owner),
          { writes: step === 'write' },
          {
            label: file.metadata.xattrs.get('security.ima') ?? null,
            evm: status,
            ...(repair === undefined ? {} : { evmRepair: repair }),
            empty: false,
            collected: { algorithm: 'sha256', value: digest('sha256', CONTENT) },
            signature: () => assert.fail('no file has a signature in security.ima'),
          },
          kernel,
        );
        assert.equal(`${allowed ? 0 : 13}:${recordsText(records)}`, answer, `${what}: ${status}`);
        const [write] = [...writes, ...decision.writes];
        if (after !== '') assert.equal(shown(write?.value), after, what);
        else if (step === 'read') assert.equal(write, undefined, what);
      }
    });

    test('changed what we say it changes', () => {
      const changed = rows.filter(({ step }) => Object.hasOwn(CHANGES, step));
      assert.equal(changed.length, 256);
      for (const { what, step, answer, file } of changed) {
        const change = CHANGES[step] ?? assert.fail(what);
        const isLabel = change.kind === 'xattr' && change.name === 'security.ima';
        const first = isLabel
          ? decideLabelChange(change.value, ADMIN, { ...kernel, algorithms: profile.algorithms })
          : null;
        const decision = first?.allowed === false ? first : decideEvmChange(change, ADMIN, file, state, nodeCrypto);
        // 61: it was allowed to remove an attribute that was not there.
        const expected = answer === '61:' ? '0:' : answer;
        assert.equal(`${errnoOf(decision)}:${recordsText(decision.records)}`, expected, what);
      }
    });
  });
