import { createHash } from 'node:crypto';
import { fromHex, toHex, utf8 } from '@assay/core/bytes';
import { AssayError } from '@assay/core/errors';
import {
  DEBIAN_EVM_XATTRS,
  decryptKey,
  encryptKey,
  evmHmac,
  parseEncryptedKey,
  type FileMetadata,
} from '@assay/core/evm';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { evmChanges } from './evm-changes.ts';
import { textOf, type Agreement, type Guest, type GuestAnswer, type Suite } from './suite.ts';

const FILES = { all: 60, few: 8 } as const;
const TIMEOUT_MS = 15 * 60 * 1000;
const UUID = '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9';
/** Payload of the user key that all are encrypted under, as `keyctl add user` takes it. */
const MASTER = '5a'.repeat(16);
/** EVM takes keys of at most 128 bytes, an encrypted key has at least 20. */
const EVM_KEY_SIZES = [20, 32, 128];
const MADE_KEY_SIZES = [20, 21, 31, 32, 33, 47, 48, 64, 100, 127, 128, 129, 1000, 4096];

/** Nothing else keeps the kernel from setting attributes of files whose metadata it has not yet protected. */
const CMDLINE = 'evm=fix ima_appraise=fix';

/** Whether the HMACs that kernels write are those that core computes, with a key that core encrypted. */
export const evmValues: Suite = {
  name: 'evm-values',
  title: 'EVM: HMACs after changes of metadata, encrypted keys',
  guests: ({ seed, few }) => {
    const sizes = few ? EVM_KEY_SIZES.slice(1, 2) : EVM_KEY_SIZES;
    return sizes.map((size, index) => guestOf(size, evmChanges(seed + index, few ? FILES.few : FILES.all)));
  },
  judge: (answers) => {
    const all = answers.map(judgeBoot);
    return {
      cases: all.reduce((sum, { cases }) => sum + cases, 0),
      disagreements: all.flatMap(({ disagreements }) => disagreements),
    };
  },
};

function guestOf(size: number, changes: readonly string[]): Guest {
  const master = { name: 'user:kmk', payload: utf8(MASTER) };
  const iv = createHash('sha256').update(`iv ${size}`).digest().subarray(0, 16);
  const files = {
    setup: `${UUID} ${MASTER}\n`,
    'evm-key': `${encryptKey(payloadOf(size), master, iv, nodeCrypto)}\n`,
    'evm-key-size': `${size}\n`,
    sizes: `${MADE_KEY_SIZES.join(' ')}\n`,
    changes: changes.map((line) => `${line}\n`).join(''),
  };
  const named = Object.entries(files).map(([name, text]): [string, Uint8Array] => [name, utf8(text)]);
  return { program: 'evm-values.py', files: new Map(named), cmdline: CMDLINE, timeoutMs: TIMEOUT_MS };
}

function payloadOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 7 + size) & 0xff);
}

function judgeBoot({ kernel, asked, files }: GuestAnswer): Agreement {
  const key = payloadOf(Number(textOf(asked, 'evm-key-size')));
  const changes = textOf(asked, 'changes').trimEnd().split('\n').map(parseChange);
  const states = textOf(files, 'states').trimEnd().split('\n').map(parseState);
  const values = new Map<string, Kept>();
  const disagreements = changes.flatMap((change, index) => {
    const { metadata, evm } = states[index] ?? parseState('');
    const before = values.get(change.file);
    const expected = isUpdate(change, before?.metadata) ? expectedValue(key, metadata) : (before?.value ?? NOTHING);
    values.set(change.file, { metadata, value: expected });
    const what = `${kernel.series} ${change.file} ${change.kind} ${change.name}`;
    return evm === expected ? [] : [`${what}: the kernel wrote ${evm}, core computes ${expected}`];
  });
  const made = textOf(files, 'made').trimEnd().split('\n');
  const refused = made.flatMap((text) =>
    refusalOf(text).map((reason) => `${kernel.series} ${text.slice(0, 40)}: ${reason}`),
  );
  return { cases: changes.length + made.length, disagreements: [...disagreements, ...refused] };
}

/** What EVM last protected of a file, and by what value. */
interface Kept {
  readonly metadata: FileMetadata;
  readonly value: string;
}

interface FileChange {
  readonly file: string;
  readonly kind: string;
  /** Of the attribute that is set or removed. */
  readonly name: string;
}

function parseChange(line: string): FileChange {
  const [file = '', kind = '', name = ''] = line.split('\t');
  return { file, kind, name };
}

/**
 * Whether EVM computes the value again. It does not when a file is written: what security.capability it had is gone then,
 * and security.evm is that of the metadata before.
 */
function isUpdate({ kind, name }: FileChange, before: FileMetadata | undefined): boolean {
  if (kind === 'create' || kind === 'write') return false;
  if (kind === 'chmod' || kind === 'chown') return true;
  return DEBIAN_EVM_XATTRS.includes(name) && (kind === 'set' || before?.xattrs.has(name) === true);
}

const NOTHING = 'nothing';

/** A file without a protected attribute has no HMAC. */
function expectedValue(key: Uint8Array, metadata: FileMetadata): string {
  if (!DEBIAN_EVM_XATTRS.some((name) => metadata.xattrs.has(name))) return NOTHING;
  const fsUuid = fromHex(UUID.replaceAll('-', ''));
  const form = { form: 'bound', wordBits: 64, xattrs: DEBIAN_EVM_XATTRS, fsUuid } as const;
  return `02${toHex(evmHmac(nodeHasher, key, metadata, form))}`;
}

function parseState(line: string): { readonly metadata: FileMetadata; readonly evm: string } {
  const [inode = '0', generation, uid, gid, mode = '0', ...pairs] = line.split('\t');
  const all = new Map(
    pairs.map((pair): [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  const evm = all.get('security.evm') ?? NOTHING;
  all.delete('security.evm');
  const metadata = {
    inode: BigInt(inode),
    generation: Number(generation),
    uid: Number(uid),
    gid: Number(gid),
    mode: Number.parseInt(mode, 8),
    xattrs: new Map([...all].map(([name, hex]) => [name, fromHex(hex)])),
  };
  return { metadata, evm };
}

/** Why core does not take the text of a key that the kernel made; nothing where it does. */
function refusalOf(text: string): string[] {
  try {
    decryptKey(parseEncryptedKey(text), utf8(MASTER), nodeCrypto);
    return [];
  } catch (error) {
    if (error instanceof AssayError) return [error.message];
    throw error;
  }
}
