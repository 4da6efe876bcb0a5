import { lstatSync } from 'node:fs';
import { printable, toHex } from '@assay/core/bytes';
import { AssayError } from '@assay/core/errors';
import { parseEvmLabel, parseImaLabel, type ParsedEvmLabel, type ParsedImaLabel } from '@assay/core/label';
import { modsigOfFile } from '@assay/linux/labels';
import { getXattr } from '@assay/linux/xattr';
import { EXIT } from '../exit.ts';
import { Paths } from '../labels/options.ts';
import { signedDataDocument } from '../labels/signed-data.ts';
import { optionsFrom, OutputOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours, shown } from '../output/terminal.ts';

/** A label, decoded; or why it cannot be. */
interface ShownLabel {
  readonly value: string;
  readonly kind?: string;
  readonly code?: string;
  readonly message?: string;
  readonly [field: string]: string | number | boolean | undefined;
}

/** A signature behind the content, decoded; or why it cannot be. */
type ShownModsig = Omit<ShownLabel, 'value'>;

interface ShownFile {
  readonly path: string;
  readonly ima: ShownLabel | null;
  readonly evm: ShownLabel | null;
  readonly modsig: ShownModsig | null;
}

/** `assay file show PATH...`: exit code 3 where a label cannot be read. */
export function showFiles(given: unknown, flags: unknown): Promise<number> {
  const options = optionsFrom(OutputOptions, flags);
  const files = Paths.parse(given).map((path) => fileOf(Buffer.from(path)));
  if (options.output === 'json') printJson({ schema: 'assay.file-show.v1', files });
  else process.stdout.write(files.map(textOf).join(''));
  const unread = files.some(({ ima, evm, modsig }) => [ima, evm, modsig].some((label) => label?.code !== undefined));
  return Promise.resolve(unread ? EXIT.unreadable : EXIT.fine);
}

/** @throws Error of lstat(2), with the code that all commands show of a missing file */
function fileOf(path: Buffer): ShownFile {
  lstatSync(path);
  return {
    path: printable(path),
    ima: labelOf(path, 'security.ima', parseImaLabel),
    evm: labelOf(path, 'security.evm', parseEvmLabel),
    modsig: modsigOf(path),
  };
}

function labelOf(
  path: Buffer,
  name: string,
  parse: (raw: Uint8Array) => ParsedImaLabel | ParsedEvmLabel,
): ShownLabel | null {
  const raw = getXattr(path, name);
  if (raw === undefined) return null;
  const value = toHex(raw);
  return { value, ...readable(() => fieldsOf(parse(raw))) };
}

function readable<T>(read: () => T): T | { readonly code: string; readonly message: string } {
  try {
    return read();
  } catch (error) {
    if (error instanceof AssayError) return { code: error.code, message: error.message };
    throw error;
  }
}

function modsigOf(path: Buffer): ShownModsig | null {
  return readable(() => {
    const modsig = modsigOfFile(path);
    if (modsig === undefined) return null;
    const { contentSize, signed } = modsig;
    return { kind: 'signature', ...signedDataDocument(signed), contentSize };
  });
}

const SIGNED = { 3: 'signature', 5: 'portable signature', 6: 'fs-verity signature' } as const;

function fieldsOf(label: ParsedImaLabel | ParsedEvmLabel): Omit<ShownLabel, 'value'> {
  switch (label.kind) {
    case 'digest':
      return { kind: 'digest', type: label.legacy ? 1 : 4, algorithm: label.algorithm, digest: toHex(label.digest) };
    case 'hmac':
      return { kind: 'HMAC', type: 2, hmac: toHex(label.hmac) };
    case 'signature-v1': {
      const { algorithm, bits, time } = label;
      const signed = new Date(time * 1000).toISOString();
      return { kind: 'signature', type: 3, version: 1, algorithm, keyId: toHex(label.keyId), bits, signed };
    }
    case 'signature': {
      const { type, version, algorithm, signature } = label;
      const keyId = label.keyId.toString(16).padStart(8, '0');
      return { kind: SIGNED[type], type, version, algorithm, keyId, signatureBytes: signature.length };
    }
  }
}

function textOf({ path, ima, evm, modsig }: ShownFile): string {
  const labels = `${lineOf('security.ima', ima)}${lineOf('security.evm', evm)}`;
  return `${path}\n${labels}${modsig === null ? '' : lineOf('appended', { value: '', ...modsig })}`;
}

function lineOf(name: string, label: ShownLabel | null): string {
  const colour = colours(1);
  if (label === null) return `  ${name}  ${colour.dim('none')}\n`;
  const { value, kind, code, message, ...fields } = label;
  if (code !== undefined) return `  ${name}  ${colour.red(code)}: ${shown(message ?? '')}${valueText(value)}\n`;
  const words = Object.entries(fields).flatMap(([field, each]) =>
    each === undefined ? [] : [shown(`${field} ${each}`)],
  );
  return `  ${name}  ${kind}: ${words.join(', ')}\n`;
}

function valueText(value: string): string {
  return value === '' ? '' : ` (${value.slice(0, 80)})`;
}
