import { equalBytes, fromHex, toHex } from '@assay/core/bytes';
import {
  decideAccess,
  evmStatus,
  imaSignatureVerdict,
  kernelLabel,
  labelAlgorithm,
  NOTHING_REMEMBERED,
  type AppraisalMemory,
  type AppraisingKernel,
  type Collected,
  type EvmState,
} from '@assay/core/appraisal';
import { decryptKey, DEBIAN_EVM_XATTRS, EVM_XATTRS, parseEncryptedKey, type FileMetadata } from '@assay/core/evm';
import { isHashName, type HashName } from '@assay/core/hash';
import type { LabelKey } from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import {
  ACCESS,
  evaluate,
  plainSubject,
  type ActivePolicy,
  type EventFunction,
  type PolicyEvent,
} from '@assay/core/policy';
import { activePolicy } from '../active-policy.ts';
import type { KernelSeries } from '../../lab/index.ts';
import { certifiedKey } from '../label-key.ts';
import { fileOf, profileOf, textOf, type Agreement, type AskedKernel, type Files, type GuestAnswer } from '../suite.ts';
import { isCovered, type Alteration } from './alterations.ts';
import type { Guard } from './recipes.ts';

/** Of the file system in the image. */
export const UUID = '0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9';

/** Opening asks for a good label, executing for a signature. */
export const LABELS_POLICY = [
  `appraise func=FILE_CHECK fsuuid=${UUID}`,
  `appraise func=BPRM_CHECK fsuuid=${UUID} appraise_type=imasig`,
];

/** What is written to `evm` in securityfs before the files are accessed. */
export interface Boot {
  readonly name: string;
  /** Empty: EVM has no keys. */
  readonly evm: string;
  /** The kernel that knows the value. */
  readonly since?: KernelSeries;
}

export const BOOTS: readonly Boot[] = [
  { name: 'without EVM', evm: '' },
  { name: 'EVM with HMACs and signatures', evm: '3' },
  { name: 'EVM with signatures alone', evm: '0x80000002' },
  { name: 'EVM with signatures of version 3', evm: '0xb', since: '7.2' },
];

const ACCESSES = ['read', 'exec', 'write'] as const;
type AccessKind = (typeof ACCESSES)[number];

/**
 * Three of them in an order of its own; of many files the first one is a reader. What is executed and then written is looked
 * at anew by the next reader, under what was demanded before.
 */
export function accessesOf(alteration: Alteration, index: number, seed: number): AccessKind[] {
  if (alteration === 'attribute of users') return ['exec', 'write', 'read'];
  const pick = (by: number): AccessKind => ACCESSES[Math.floor((index + seed) / by) % ACCESSES.length] ?? 'read';
  return [index % 4 === 3 ? 'exec' : 'read', pick(1), pick(3)];
}

/** What decides besides the file. */
interface Setting {
  readonly series: KernelSeries;
  readonly boot: Boot;
  readonly kernel: AppraisingKernel;
  readonly policy: ActivePolicy;
  readonly keys: readonly LabelKey[];
  readonly evm: EvmState;
  /** By which the kernel can digest files; it loads modules. */
  readonly algorithms: readonly string[];
}

/** Compares what a guest's kernel answered with core, and with what people expect of labels. */
export function judgeLabels(answer: GuestAnswer): Agreement {
  const setting = settingOf(answer);
  const asked = textOf(answer.asked, 'files').trimEnd().split('\n').map(parseCase);
  const states = textOf(answer.files, 'states').trimEnd().split('\n').map(parseState);
  const rows = textOf(answer.files, 'answers').split('\n');
  const disagreements = asked.flatMap((one, index) => {
    const row = rows[index] ?? '';
    const state = states[index] ?? parseState('');
    const expected = expectedRow(one, state, setting);
    const what = `${setting.series} ${setting.boot.name}: ${one.recipe}, altered: ${one.alteration} (${one.path}) ${one.accesses.join(',')}`;
    const other = row === expected ? [] : [`${what}: the kernel says ${short(row)}, core ${short(expected)}`];
    return [
      ...other,
      ...unexpected(one, row, setting).map((sentence) => `${what}: the kernel says ${short(row)}, and ${sentence}`),
    ];
  });
  return { cases: asked.reduce((sum, { accesses }) => sum + accesses.length, 0), disagreements };
}

function short(row: string): string {
  const [, answers, records, ...values] = row.split('\t');
  return [answers, records, ...values.map((value) => value.slice(0, 20))].join(' ');
}

interface Case {
  readonly path: string;
  readonly recipe: string;
  readonly alteration: string;
  readonly guard: Guard | undefined;
  readonly isUsual: boolean;
  readonly accesses: readonly AccessKind[];
}

const GUARDS: readonly Guard[] = ['hmac', 'bound', 'portable'];

function parseCase(line: string): Case {
  const [path = '', recipe = '', alteration = '', guard, usual, accesses = ''] = line.split('\t');
  return {
    path,
    recipe,
    alteration,
    guard: GUARDS.find((each) => each === guard),
    isUsual: usual === 'usual',
    accesses: accesses.split(',').flatMap((name) => ACCESSES.find((kind) => kind === name) ?? []),
  };
}

/** What the guest found before the policy was loaded. */
interface FileState {
  readonly content: Uint8Array;
  readonly metadata: FileMetadata;
  readonly evm: Uint8Array | null;
}

function parseState(line: string): FileState {
  const [inode = '0', generation, uid, gid, mode = '0', content = '', ...pairs] = line.split('\t');
  const all = new Map(
    pairs.map((pair): [string, Uint8Array] => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), fromHex(pair.slice(at + 1))];
    }),
  );
  const evm = all.get('security.evm') ?? null;
  all.delete('security.evm');
  const owner = { uid: Number(uid), gid: Number(gid), mode: Number.parseInt(mode, 8) };
  const metadata = { inode: BigInt(inode), generation: Number(generation), ...owner, xattrs: all };
  return { content: fromHex(content), metadata, evm };
}

function settingOf({ kernel, asked, files }: GuestAnswer): Setting {
  const profile = profileOf(kernel);
  const name = textOf(asked, 'boot').trim();
  const boot = BOOTS.find((each) => each.name === name);
  if (boot === undefined) throw new RangeError(`the suite has no boot ${name}`);
  const taken = textOf(files, 'keys').trimEnd().split('\n');
  const keys = taken.map((file) => certifiedKey(fileOf(asked, file)));
  return {
    series: kernel.series,
    boot,
    kernel: { version: profile.version, mode: 'enforce', imaHash: 'sha256' },
    policy: activePolicy(textOf(asked, 'policy'), kernel),
    keys,
    evm: evmOf(boot, profile, { keys, hmacKey: hmacKeyOf(asked) }),
    algorithms: [...profile.algorithms, ...profile.moduleAlgorithms],
  };
}

/**
 * EVM as a guest of the suite started it; undefined where it did not.
 * @param keys certificates that the kernel took
 */
export function labelsEvm(asked: Files, kernel: AskedKernel, keys: readonly LabelKey[]): EvmState | undefined {
  const evm = textOf(asked, 'evm');
  return evm === '' ? undefined : evmOf({ evm }, profileOf(kernel), { keys, hmacKey: hmacKeyOf(asked) });
}

/** Certificates that the kernel did not take are left out. */
export function labelsAsked({ asked, files }: GuestAnswer): Files {
  const taken = textOf(files, 'keys').trimEnd().split('\n');
  return new Map([...asked].filter(([name]) => !name.endsWith('.der') || taken.includes(name)));
}

function hmacKeyOf(asked: Files): Uint8Array {
  return decryptKey(parseEncryptedKey(textOf(asked, 'evm-key')), fileOf(asked, 'kmk'), nodeCrypto).payload;
}

const EVM_INIT_HMAC = 1;
const EVM_INIT_X509 = 2;
const EVM_SIGV3_REQUIRED = 8;

function evmOf(
  { evm }: Pick<Boot, 'evm'>,
  { version }: Pick<EvmState, 'version'>,
  { keys, hmacKey }: { readonly keys: readonly LabelKey[]; readonly hmacKey: Uint8Array },
): EvmState {
  const flags = Number(evm);
  return {
    version,
    hmacKey: (flags & EVM_INIT_HMAC) === 0 ? null : hmacKey,
    x509: (flags & EVM_INIT_X509) !== 0,
    sigv3Required: (flags & EVM_SIGV3_REQUIRED) !== 0,
    setupComplete: flags !== 0,
    keys,
    enabled: DEBIAN_EVM_XATTRS,
    listed: EVM_XATTRS,
    wordBits: 64,
  };
}

/** A file as its accesses go on. */
interface Progress {
  label: Uint8Array | null;
  evm: Uint8Array | null;
  memory: AppraisalMemory;
  /** A label has changed, which counts as a change of the file, since the content was digested. */
  isTouched: boolean;
  readonly records: string[];
}

function expectedRow(one: Case, file: FileState, setting: Setting): string {
  const progress: Progress = {
    label: file.metadata.xattrs.get('security.ima') ?? null,
    evm: file.evm,
    memory: NOTHING_REMEMBERED,
    isTouched: false,
    records: [],
  };
  const answers = one.accesses.map((kind) => accessed(kind, file, progress, setting));
  return rowOf(one, answers, progress);
}

function rowOf({ path }: Case, answers: readonly string[], { records, label, evm }: Progress): string {
  const values = [label, evm].map((value) => (value === null ? '' : toHex(value)));
  return [path, answers.join(','), records.join(','), ...values].join('\t');
}

function accessed(kind: AccessKind, file: FileState, progress: Progress, setting: Setting): string {
  const isRefused = eventsOf(kind).some((event) => !isAllowed(event, file, progress, setting));
  if (isRefused) return 'denied';
  if (kind === 'write') closed(file, progress, setting);
  return 'ok';
}

/** A file that counts as changed gets a new label when its last writer closes it (ima_check_last_writer). */
function closed(file: FileState, progress: Progress, setting: Setting): void {
  if (!progress.isTouched || progress.memory.isSigned) return;
  const { imaHash } = setting.kernel;
  progress.label = kernelLabel({ algorithm: imaHash, value: nodeHasher.digest(imaHash, file.content) });
  progress.memory = { ...NOTHING_REMEMBERED, demands: progress.memory.demands };
}

function isAllowed(event: PolicyEvent, file: FileState, progress: Progress, setting: Setting): boolean {
  const { kernel, policy, keys } = setting;
  const rules = evaluate(policy, event);
  const evm = evmStatus(evmFile(file, progress), setting.evm, nodeCrypto);
  const collected = digestOf(file, progress, setting);
  const isSeen = progress.memory.passed.has(rules.slot ?? 'file');
  const appraised = {
    label: progress.label,
    evm: evm.status,
    empty: false,
    signature: (raw: Uint8Array, digest: Exclude<Collected, string>) =>
      imaSignatureVerdict(raw, digest, keys, nodeCrypto),
    collected,
  } as const;
  const writes = (event.mask & ACCESS.MAY_WRITE) !== 0;
  const decision = decideAccess(rules, { writes }, appraised, kernel, progress.memory);
  progress.memory = decision.memory;
  progress.records.push(...decision.records.map(({ op, cause, success }) => `${op}:${cause}:${success ? 1 : 0}`));
  // EVM is asked about files that have a label and could be digested.
  const isEvmAsked = !isSeen && progress.label !== null && typeof collected !== 'string';
  for (const { value } of isEvmAsked ? evm.writes : []) {
    progress.isTouched ||= value === null || progress.evm === null || !equalBytes(value, progress.evm);
    progress.evm = value;
  }
  return decision.allowed;
}

function digestOf({ content }: FileState, { label }: Progress, { kernel, algorithms }: Setting): Collected {
  const algorithm: HashName = labelAlgorithm(label, kernel.imaHash, kernel);
  if (!isHashName(algorithm) || !algorithms.includes(algorithm)) return 'failed';
  return { algorithm, value: nodeHasher.digest(algorithm, content) };
}

function evmFile({ metadata }: FileState, { label, evm }: Progress): Parameters<typeof evmStatus>[0] {
  const others = [...metadata.xattrs].filter(([name]) => name !== 'security.ima');
  const xattrs = new Map(label === null ? others : [...others, ['security.ima', label]]);
  return { evm, metadata: { ...metadata, xattrs }, fsUuid: fromHex(UUID.replaceAll('-', '')) };
}

/** By root, of a file in the image. */
function eventsOf(kind: AccessKind): PolicyEvent[] {
  const file = { magic: 0xef53n, type: 'ext4', subtype: '', uuid: UUID, owner: 0, group: 0 };
  const event = (func: EventFunction, mask: number): PolicyEvent => ({ func, mask, subject: plainSubject(0, 0), file });
  switch (kind) {
    case 'read':
      return [event('FILE_CHECK', ACCESS.MAY_READ)];
    case 'write':
      return [event('FILE_CHECK', ACCESS.MAY_WRITE | ACCESS.MAY_APPEND)];
    case 'exec':
      return (['FILE_CHECK', 'BPRM_CHECK'] as const).map((func) => event(func, ACCESS.MAY_EXEC));
    default:
      return kind satisfies never;
  }
}

/** What no agreement can excuse: a sound file that is refused, an altered one that is not. */
function unexpected({ alteration, guard, isUsual, accesses }: Case, row: string, { boot }: Setting): string[] {
  const [, answers = ''] = row.split('\t');
  const first = answers.split(',')[0];
  const isGuarded = boot.evm !== '' && guard !== undefined;
  const isAltered = isGuarded ? isCovered(alteration, guard) : ['content', 'security.ima'].includes(alteration);
  if (isAltered) return answers.includes('ok') ? ['nobody may use an altered file'] : [];
  const isForBoot = boot.evm === '' || (boot.evm === '3' && guard !== undefined);
  const isSound = isUsual && isForBoot && alteration === 'none' && accesses[0] === 'read';
  return isSound && first !== 'ok' ? ['the file is as it was labelled'] : [];
}
