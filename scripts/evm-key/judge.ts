import { fromHex, toHex } from '@assay/core/bytes';
import { DEBIAN_EVM_XATTRS, decryptKey, evmHmac, parseEncryptedKey, type FileMetadata } from '@assay/core/evm';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { Comparisons, fileOf, textOf, type Agreement, type GuestAnswer } from '@assay/testkit/suites';
import { UUID } from './names.ts';

/** What the guest's commands and its kernel said, against what core computes with the key. */
export function judgeEvmKey({ kernel, asked, files }: GuestAnswer): Agreement {
  const all = new Comparisons(`${kernel.series} EVM key`);
  all.compare('load', wordsOf(textOf(files, 'load')), '0 loaded hmac');
  all.compare('value of evm', textOf(files, 'evm').trim(), '1');
  all.compare('load after a change of PCR 7', wordsOf(textOf(files, 'sealed')), '1 sealed ');
  const text = parseEncryptedKey(textOf(asked, 'evm-user.blob').trim());
  const { payload } = decryptKey(text, fileOf(asked, 'kmk'), nodeCrypto);
  const rows = textOf(files, 'files').trimEnd().split('\n');
  for (const row of rows) judgeFile(row, payload, all);
  all.compare('files', String(rows.length), textOf(files, 'count').trim());
  return all;
}

/** Exit code, state and what was enabled. */
function wordsOf(text: string): string {
  const [code = '', ...lines] = text.split('\n');
  const document: unknown = JSON.parse(lines.join('\n'));
  if (typeof document !== 'object' || document === null) return code;
  const enabled: unknown = Reflect.get(document, 'enabled');
  return [code, Reflect.get(document, 'state'), Array.isArray(enabled) ? enabled.join(',') : ''].map(String).join(' ');
}

function judgeFile(row: string, key: Uint8Array, all: Comparisons): void {
  const [path = '', answer = '', changed = '', ...rest] = row.split('\t');
  const at = rest.indexOf('after');
  const [before, after] = [stateOf(rest.slice(0, at)), stateOf(rest.slice(at + 1))];
  const isGood = before.hmac === hmacOf(before, key);
  all.compare(`${path} opened`, answer, isGood && before.label === digestLabelOf(before) ? 'ok' : 'denied');
  // EVM lets nothing change whose metadata are not good, and computes the value of what it lets.
  all.compare(`${path} changed`, changed, isGood || path.endsWith('-none') ? 'ok' : 'E1');
  all.compare(`${path} after its change`, after.hmac, isGood ? hmacOf(after, key) : before.hmac);
}

interface FileState {
  readonly metadata: FileMetadata;
  readonly content: Uint8Array;
  readonly label: string;
  readonly hmac: string;
}

function stateOf([
  inode = '0',
  generation,
  uid,
  gid,
  mode = '0',
  content = '',
  ...pairs
]: readonly string[]): FileState {
  const values = new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
  const hmac = values.get('security.evm') ?? '';
  values.delete('security.evm');
  const xattrs = new Map([...values].map(([name, hex]) => [name, fromHex(hex)]));
  const owner = { uid: Number(uid), gid: Number(gid), mode: Number.parseInt(mode, 8) };
  const metadata = { inode: BigInt(inode), generation: Number(generation), ...owner, xattrs };
  return { metadata, content: fromHex(content), label: values.get('security.ima') ?? '', hmac };
}

const SHA256_LABEL = '0404';

function digestLabelOf({ content }: FileState): string {
  return `${SHA256_LABEL}${toHex(nodeHasher.digest('sha256', content))}`;
}

function hmacOf({ metadata }: FileState, key: Uint8Array): string {
  const fsUuid = fromHex(UUID.replaceAll('-', ''));
  const form = { form: 'bound', wordBits: 64, xattrs: DEBIAN_EVM_XATTRS, fsUuid } as const;
  return `02${toHex(evmHmac(nodeHasher, key, metadata, form))}`;
}
