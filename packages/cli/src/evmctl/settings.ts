import type { OpensslModule } from '@assay/linux/signers';
import type { OptionRule } from './getopt.ts';

export type OptionKey =
  | 'help'
  | 'verbose'
  | 'dry'
  | 'imasig'
  | 'imahash'
  | 'hashalgo'
  | 'portable'
  | 'pass'
  | 'sigfile'
  | 'uuid'
  | 'key'
  | 'type'
  | 'recursive'
  | 'immutable'
  | 'rsa'
  | 'm32'
  | 'm64'
  | 'smack'
  | 'version'
  | 'inode'
  | 'uid'
  | 'gid'
  | 'mode'
  | 'generation'
  | 'ima'
  | 'selinux'
  | 'caps'
  | 'verify-sig'
  | 'engine'
  | 'provider'
  | 'xattr-user'
  | 'ignore-violations'
  | 'pcrs'
  | 'verify-bank'
  | 'keyid'
  | 'keyid-from-cert'
  | 'veritysig'
  | 'hwtpm'
  | 'hmackey';

const NONE = { argument: 'none' } as const;
const REQUIRED = { argument: 'required' } as const;
const OPTIONAL = { argument: 'optional' } as const;

/** In evmctl's order, in which ambiguous abbreviations are listed. */
export const OPTIONS: readonly OptionRule<OptionKey>[] = [
  { key: 'help', long: 'help', short: 'h', ...NONE },
  { key: 'imasig', long: 'imasig', short: 's', ...NONE },
  { key: 'imahash', long: 'imahash', short: 'd', ...NONE },
  { key: 'hashalgo', long: 'hashalgo', short: 'a', ...REQUIRED },
  { key: 'pass', long: 'pass', short: 'p', ...OPTIONAL },
  { key: 'sigfile', long: 'sigfile', short: 'f', ...NONE },
  { key: 'uuid', long: 'uuid', short: 'u', ...OPTIONAL },
  { key: 'rsa', long: 'rsa', ...NONE },
  { key: 'key', long: 'key', short: 'k', ...REQUIRED },
  { key: 'type', long: 'type', short: 't', ...REQUIRED },
  { key: 'recursive', long: 'recursive', short: 'r', ...NONE },
  { key: 'm32', long: 'm32', ...NONE },
  { key: 'm64', long: 'm64', ...NONE },
  { key: 'portable', long: 'portable', short: 'o', ...NONE },
  { key: 'smack', long: 'smack', ...NONE },
  { key: 'version', long: 'version', ...NONE },
  { key: 'inode', long: 'inode', ...REQUIRED },
  { key: 'uid', long: 'uid', ...REQUIRED },
  { key: 'gid', long: 'gid', ...REQUIRED },
  { key: 'mode', long: 'mode', ...REQUIRED },
  { key: 'generation', long: 'generation', ...REQUIRED },
  { key: 'ima', long: 'ima', ...REQUIRED },
  { key: 'selinux', long: 'selinux', ...REQUIRED },
  { key: 'caps', long: 'caps', ...OPTIONAL },
  { key: 'verify-sig', long: 'verify-sig', ...NONE },
  { key: 'engine', long: 'engine', ...REQUIRED },
  { key: 'xattr-user', long: 'xattr-user', ...NONE },
  { key: 'ignore-violations', long: 'ignore-violations', ...NONE },
  { key: 'pcrs', long: 'pcrs', ...REQUIRED },
  { key: 'verify-bank', long: 'verify-bank', ...OPTIONAL },
  { key: 'keyid', long: 'keyid', ...REQUIRED },
  { key: 'keyid-from-cert', long: 'keyid-from-cert', ...REQUIRED },
  { key: 'veritysig', long: 'veritysig', ...NONE },
  { key: 'hwtpm', long: 'hwtpm', ...NONE },
  { key: 'hmackey', long: 'hmackey', ...REQUIRED },
  { key: 'provider', long: 'provider', ...REQUIRED },
  { key: 'verbose', short: 'v', ...NONE },
  { key: 'dry', short: 'n', ...NONE },
  { key: 'immutable', short: 'i', ...NONE },
];

/** What the options say. An option that was not given is undefined, or false. */
export interface Settings {
  verbose: boolean;
  dryRun: boolean;
  imaSignature: boolean;
  imaHash: boolean;
  hashAlgorithm: string;
  form: 'bound' | 'portable' | 'immutable';
  passphrase: string | undefined;
  /** --pass without a value: it is asked for. */
  askPassphrase: boolean;
  signatureFile: boolean;
  /** null: none is hashed. */
  uuid: string | null | undefined;
  key: string | undefined;
  types: string | undefined;
  recursive: boolean;
  version1: boolean;
  wordBits: 32 | 64;
  smack: boolean;
  inode: string | undefined;
  uid: string | undefined;
  gid: string | undefined;
  mode: string | undefined;
  generation: string | undefined;
  ima: string | undefined;
  selinux: string | undefined;
  /** null: not hashed. */
  capabilities: string | null | undefined;
  verifySignatures: boolean;
  module: OpensslModule | undefined;
  namespace: 'security' | 'user';
  ignoreViolations: boolean;
  pcrFiles: string[];
  bank: string | undefined;
  keyId: number | undefined;
  verity: boolean;
  hardwareTpm: boolean;
  hmacKey: string;
}

export function defaultSettings(): Settings {
  return {
    verbose: false,
    dryRun: false,
    imaSignature: false,
    imaHash: false,
    hashAlgorithm: 'sha256',
    form: 'bound',
    passphrase: undefined,
    askPassphrase: false,
    signatureFile: false,
    uuid: undefined,
    key: undefined,
    types: undefined,
    recursive: false,
    version1: false,
    wordBits: process.arch === 'arm' ? 32 : 64,
    smack: false,
    inode: undefined,
    uid: undefined,
    gid: undefined,
    mode: undefined,
    generation: undefined,
    ima: undefined,
    selinux: undefined,
    capabilities: undefined,
    verifySignatures: false,
    module: undefined,
    namespace: 'security',
    ignoreViolations: false,
    pcrFiles: [],
    bank: undefined,
    keyId: undefined,
    verity: false,
    hardwareTpm: false,
    hmacKey: '/etc/keys/evm-key-plain',
  };
}

/** Options that only set something; the others do something at once, in their order on the command line. */
export type OrderedKey = 'help' | 'version' | 'keyid' | 'keyid-from-cert' | 'pcrs' | 'portable' | 'immutable';
type PlainKey = Exclude<OptionKey, OrderedKey>;

const SETTERS: Readonly<Record<PlainKey, (settings: Settings, value: string | undefined) => void>> = {
  verbose: (settings) => (settings.verbose = true),
  dry: (settings) => (settings.dryRun = true),
  imasig: (settings) => (settings.imaSignature = true),
  imahash: (settings) => (settings.imaHash = true),
  hashalgo: (settings, value = '') => (settings.hashAlgorithm = value),
  pass: (settings, value) => {
    settings.passphrase = value;
    settings.askPassphrase = value === undefined;
  },
  sigfile: (settings) => (settings.signatureFile = true),
  uuid: (settings, value) => (settings.uuid = value ?? null),
  key: (settings, value) => (settings.key = value),
  type: (settings, value) => (settings.types = value),
  recursive: (settings) => (settings.recursive = true),
  rsa: (settings) => (settings.version1 = true),
  m32: (settings) => (settings.wordBits = 32),
  m64: (settings) => (settings.wordBits = 64),
  smack: (settings) => (settings.smack = true),
  inode: (settings, value) => (settings.inode = value),
  uid: (settings, value) => (settings.uid = value),
  gid: (settings, value) => (settings.gid = value),
  mode: (settings, value) => (settings.mode = value),
  generation: (settings, value) => (settings.generation = value),
  ima: (settings, value) => (settings.ima = value),
  selinux: (settings, value) => (settings.selinux = value),
  caps: (settings, value) => (settings.capabilities = value ?? null),
  'verify-sig': (settings) => (settings.verifySignatures = true),
  engine: (settings, name = '') => (settings.module = { kind: 'engine', name }),
  provider: (settings, name = '') => (settings.module = { kind: 'provider', name }),
  'xattr-user': (settings) => (settings.namespace = 'user'),
  'ignore-violations': (settings) => (settings.ignoreViolations = true),
  'verify-bank': (settings, value) => (settings.bank = value),
  veritysig: (settings) => (settings.verity = true),
  hwtpm: (settings) => (settings.hardwareTpm = true),
  hmackey: (settings, value = '') => (settings.hmacKey = value),
};

/** Does what a plain option says. @returns false for one of those that take their turn */
export function isSet(settings: Settings, key: OptionKey, value: string | undefined): key is PlainKey {
  if (!isPlain(key)) return false;
  SETTERS[key](settings, value);
  return true;
}

function isPlain(key: OptionKey): key is PlainKey {
  return Object.hasOwn(SETTERS, key);
}
