import type { AppraiseMode } from '@assay/core/appraisal';
import type { HashName } from '@assay/core/hash';
import { keyIdOfCertificate, parseCertificate } from '@assay/core/keys';
import type { ComputedDigest, LabelKey } from '@assay/core/label';
import { utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import {
  ACCESS,
  acceptedRules,
  checkPolicy,
  debianOptions,
  parseKernelVersion,
  parsePolicy,
  plainSubject,
  type KernelProfile,
} from '@assay/core/policy';
import { VERITY_DEFAULTS, VerityDigest, type VerityParameters } from '@assay/core/verity';
import type {
  AccessQuestion,
  Decider,
  Decision,
  FileState,
  HookCall,
  OpenedFile,
  Task,
  XattrAnswer,
} from '../src/decision/contract.ts';
import { EngineControl } from '../src/decision/control.ts';
import type { DeciderSetup } from '../src/decision/setup.ts';

/** What a file in memory has. */
export interface MemoryFile {
  content: Uint8Array;
  readonly path?: Uint8Array;
  readonly owner?: number;
  readonly group?: number;
  readonly mode?: number;
  /** Whether fs-verity is enabled, and how. */
  readonly verity?: boolean | VerityParameters;
  readonly xattrs?: Map<string, Uint8Array>;
  readonly writers?: boolean;
  readonly readers?: boolean | 'unknown';
  readonly steady?: boolean;
  /** Changes with every change of the file. */
  changeTime?: bigint;
}

/** A file as the event path describes one, from memory: no event and no disk. */
export function openedFile(file: MemoryFile): OpenedFile & { readonly hashed: HashName[] } {
  const { xattrs = new Map<string, Uint8Array>(), owner = 0 } = file;
  const hashed: HashName[] = [];
  const state: FileState = {
    device: 7n,
    inode: 12n,
    birthTime: 1n,
    size: BigInt(file.content.length),
    changeTime: file.changeTime ?? 2n,
    owner,
    group: file.group ?? 0,
    mode: file.mode ?? 0o100755,
  };
  return {
    hashed,
    state,
    fileSystem: { magic: 0xef53n, type: 'ext4', subtype: '', uuid: '00000000-0000-0000-0000-000000000000' },
    path: file.path ?? new TextEncoder().encode('/m/file'),
    device: () => 'loop0',
    head: (length) => file.content.subarray(0, length),
    digests: (algorithms) => {
      hashed.push(...algorithms);
      return new Map(algorithms.map((name) => [name, nodeHasher.digest(name, file.content)]));
    },
    verity: () => (file.verity === undefined || file.verity === false ? undefined : verityOf(file)),
    xattr: (name): XattrAnswer => xattrs.get(name) ?? null,
    generation: () => 0,
    isImmutable: () => false,
    modsig: () => undefined,
    hasWriters: () => file.writers ?? false,
    hasReaders: () => file.readers ?? false,
    isSteady: () => file.steady ?? true,
  };
}

function verityOf({ content, verity }: MemoryFile): ComputedDigest {
  const parameters = typeof verity === 'object' ? verity : VERITY_DEFAULTS;
  const tree = new VerityDigest(nodeHasher, parameters);
  tree.update(content);
  return { algorithm: parameters.algorithm, value: tree.finish().digest };
}

export function taskOfUser(uid: number): Task {
  const comm = new TextEncoder().encode('cat');
  return { pid: 4711, subject: () => plainSubject(uid, uid), record: () => ({ uid, comm }), lineage: () => [] };
}

export interface TestSetup {
  readonly policy: string;
  readonly mode?: AppraiseMode;
  readonly kernel?: string;
  readonly profile?: KernelProfile;
  readonly template?: string;
  readonly certificates?: readonly Uint8Array[];
}

const ALGORITHMS = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'];

export function deciderSetup(given: TestSetup): DeciderSetup {
  const version = parseKernelVersion(given.kernel ?? '7.2');
  const standard = { name: 'test', version, ...debianOptions(version), modsig: true, algorithms: ALGORITHMS };
  const profile = given.profile ?? standard;
  const control = new EngineControl();
  control.mode = given.mode ?? 'enforce';
  const { rules } = checkPolicy(parsePolicy(given.policy), profile);
  const refused = rules.find(({ accepted }) => !accepted);
  if (refused !== undefined) throw new Error(`refused: ${refused.text}`);
  return {
    epoch: 1,
    rules: acceptedRules(rules),
    failSecurely: false,
    kernel: { profile, imaHash: 'sha256', template: given.template ?? 'ima-ng' },
    keys: (given.certificates ?? []).map(labelKeyOf),
    updaters: [],
    relabel: 'writers',
    control: control.memory,
  };
}

function labelKeyOf(der: Uint8Array): LabelKey {
  const certificate = parseCertificate(der);
  return { keyId: keyIdOfCertificate(nodeHasher, certificate), publicKey: certificate.publicKey };
}

export const READ: HookCall = { func: 'FILE_CHECK', mask: ACCESS.MAY_READ };
export const WRITE: HookCall = { func: 'FILE_CHECK', mask: ACCESS.MAY_WRITE };
export const EXEC: readonly HookCall[] = [
  { func: 'FILE_CHECK', mask: ACCESS.MAY_EXEC },
  { func: 'BPRM_CHECK', mask: ACCESS.MAY_EXEC },
  { func: 'CREDS_CHECK', mask: ACCESS.MAY_EXEC },
];

export const CONTENT = utf8('#!/bin/sh\n');
/** The hash label of this content. */
export const LABEL = Uint8Array.of(4, 4, ...nodeHasher.digest('sha256', CONTENT));

export function withLabel(label: Uint8Array): MemoryFile {
  return { content: CONTENT, xattrs: new Map([['security.ima', label]]) };
}

/** What is decided of a file in memory, for root unless more is said. */
export function asked(
  decider: Decider,
  file: MemoryFile,
  hooks: readonly HookCall[],
  more: Partial<AccessQuestion> = {},
): Decision {
  return decider.decide({ file: openedFile(file), task: taskOfUser(0), hooks, ...more });
}
