import type { HashName } from '@assay/core/hash';
import type { KernelSeries } from '../../lab/index.ts';
import { KEY_TYPES, type Command, type KeyType, type Tool } from '../labelling/commands.ts';

/** What goes to security.ima: a digest, or where a key is named a signature of it. */
interface ContentLabel {
  readonly tool: Tool;
  readonly algorithm: HashName;
  readonly key?: KeyType;
  readonly version?: 3;
}

/** What security.evm is bound to. */
export type Guard = 'hmac' | 'bound' | 'portable';

/** What goes to security.evm: an HMAC, or a signature of the metadata. */
interface MetadataLabel {
  readonly tool: Tool;
  readonly guard: Guard;
  /** Of signatures. */
  readonly algorithm: HashName;
  readonly key: KeyType;
  readonly version?: 3;
}

/** How the files of one directory get their labels. */
export interface Recipe {
  readonly ima: ContentLabel;
  readonly evm?: MetadataLabel;
}

const DIGESTS: readonly HashName[] = [
  'md5',
  'sha1',
  'sha224',
  'sha256',
  'sha384',
  'sha512',
  'rmd160',
  'sm3',
  'sha3-256',
];
/** Those that evmctl 1.4 of Debian computes. */
const OF_EVMCTL: readonly HashName[] = DIGESTS.slice(0, 7);
const BY_RSA: readonly HashName[] = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'rmd160', 'sm3', 'sha3-256'];
const BY_ECDSA: readonly HashName[] = ['sha1', 'sha256', 'sha384', 'sha512'];
const OF_METADATA: readonly HashName[] = ['sha1', 'sha256', 'sha512'];

const PLAIN: ContentLabel = { tool: 'assay', algorithm: 'sha256' };

function both<T extends { readonly tool: Tool; readonly algorithm: HashName }>(label: Omit<T, 'tool'> & T): T[] {
  const others = OF_EVMCTL.includes(label.algorithm) ? [{ ...label, tool: 'evmctl' as const }] : [];
  return [{ ...label, tool: 'assay' }, ...others];
}

function contentLabels(): ContentLabel[] {
  const signed = KEY_TYPES.flatMap((key) =>
    (key.startsWith('rsa') ? BY_RSA : BY_ECDSA).map((algorithm): ContentLabel => ({ tool: 'assay', algorithm, key })),
  );
  const digests = DIGESTS.map((algorithm): ContentLabel => ({ tool: 'assay', algorithm }));
  const version3 = KEY_TYPES.map((key): ContentLabel => ({ tool: 'assay', algorithm: 'sha256', key, version: 3 }));
  return [...[...digests, ...signed].flatMap(both), ...version3];
}

function metadataLabels(): MetadataLabel[] {
  const signed = KEY_TYPES.flatMap((key) =>
    (['bound', 'portable'] as const).flatMap((guard) =>
      OF_METADATA.map((algorithm): MetadataLabel => ({ tool: 'assay', guard, algorithm, key })),
    ),
  );
  const chosen = signed.filter(({ key, algorithm }) => key === 'rsa2048' || key === 'p256' || algorithm === 'sha256');
  const version3 = chosen
    .filter(({ algorithm }) => algorithm === 'sha256')
    .map((label): MetadataLabel => ({ ...label, version: 3 }));
  return [...chosen.flatMap(both), ...version3];
}

/** All labels that are tried. */
export function recipes(): Recipe[] {
  const hmac: MetadataLabel = { tool: 'assay', guard: 'hmac', algorithm: 'sha1', key: 'rsa2048' };
  const signed: ContentLabel = { tool: 'evmctl', algorithm: 'sha512', key: 'rsa2048' };
  const contents = contentLabels().map((ima): Recipe => ({ ima }));
  const hmacs = [PLAIN, PLAIN, PLAIN, { ...PLAIN, algorithm: 'sha1' as const }, signed, signed];
  const guarded = metadataLabels().map((evm, index): Recipe => ({ ima: index % 3 === 2 ? signed : PLAIN, evm }));
  return [...contents, ...hmacs.map((ima): Recipe => ({ ima, evm: hmac })), ...guarded];
}

/** For people. */
export function recipeName({ ima, evm }: Recipe): string {
  const { tool, algorithm, key = 'digest', version = 2 } = ima;
  const content = [tool, algorithm, key, ...(key === 'digest' ? [] : [`v${version}`])];
  if (evm === undefined) return content.join(' ');
  const metadata =
    evm.guard === 'hmac' ? ['hmac'] : [evm.guard, evm.tool, evm.algorithm, evm.key, `v${evm.version ?? 2}`];
  return [...content, 'evm', ...metadata].join(' ');
}

const EVERYWHERE: readonly HashName[] = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'];

/**
 * Whether the kernel has to accept such labels, whatever core says: those that people use. Debian's small 6.1 has no ECDSA,
 * and plain files have signatures of version 3 from 7.1 on.
 */
export function isUsual({ ima, evm }: Recipe, series: KernelSeries): boolean {
  const labels = [ima, ...(evm === undefined ? [] : [evm])];
  return labels.every(({ algorithm, key, version }) => {
    const isKeyKnown = key === undefined || key.startsWith('rsa') || (series !== '6.1' && key !== 'p521');
    return EVERYWHERE.includes(algorithm) && isKeyKnown && (version === undefined || series === '7.2');
  });
}

/** Files of a tree and of its keys. */
export interface Places {
  /** Directory with the files to label. */
  readonly directory: string;
  /** With `KEY.pem` of each key type, `evm.blob` and `kmk`. */
  readonly keys: string;
  readonly uuid: string;
}

/** The commands that label the files, one after the other. */
export function commandsOf({ ima, evm }: Recipe, places: Places): Command[] {
  return [contentCommand(ima, places), ...(evm === undefined ? [] : [metadataCommand(evm, places)])];
}

function contentCommand({ tool, algorithm, key, version }: ContentLabel, { directory, keys }: Places): Command {
  if (tool === 'evmctl') {
    const signs = key === undefined ? ['ima_hash'] : ['ima_sign', '-k', `${keys}/${key}.pem`];
    return ['evmctl', ...signs, '-r', '-a', algorithm, directory];
  }
  if (key === undefined) return ['assay', 'file', 'hash', '--algorithm', algorithm, directory];
  return ['assay', 'file', 'sign', ...signing({ algorithm, key, version }, keys), directory];
}

function metadataCommand(label: MetadataLabel, { directory, keys, uuid }: Places): Command {
  const { tool, guard, algorithm, key } = label;
  const place = ['--uuid', uuid, directory];
  if (guard === 'hmac') {
    return ['assay', 'evm', 'hmac', '--evm-key', `${keys}/evm.blob`, '--master-key', `${keys}/kmk`, ...place];
  }
  if (tool === 'evmctl') {
    const binding = guard === 'portable' ? ['-o'] : [`--uuid=${uuid}`];
    return ['evmctl', 'sign', '-r', ...binding, '-a', algorithm, '-k', `${keys}/${key}.pem`, directory];
  }
  const binding = guard === 'portable' ? ['--portable', directory] : place;
  return ['assay', 'evm', 'sign', ...signing(label, keys), ...binding];
}

function signing({ algorithm, key, version }: Signing, keys: string): string[] {
  const signer = ['--key', `${keys}/${key}.pem`, '--cert', `${keys}/${key}.der`];
  return [...signer, '--algorithm', algorithm, '--sig-version', String(version ?? 2)];
}

interface Signing {
  readonly algorithm: HashName;
  readonly key: KeyType;
  readonly version?: 3 | undefined;
}
