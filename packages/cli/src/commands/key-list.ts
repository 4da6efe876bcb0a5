import { labelKeyrings, type Keyring, type KeyringKey } from '@assay/linux/keyrings';
import { EXIT } from '../exit.ts';
import { optionsFrom, OutputOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours, shown } from '../output/terminal.ts';

/** `assay key list` */
export function listKeys(given: unknown): Promise<number> {
  const { output } = optionsFrom(OutputOptions, given);
  const keyrings = labelKeyrings();
  if (output === 'json') printJson({ schema: 'assay.key-list.v1', keyrings });
  else process.stdout.write(keyrings.length === 0 ? NOTHING : keyrings.map(keyringText).join(''));
  return Promise.resolve(EXIT.fine);
}

const NOTHING = 'This kernel shows no keyring that has to do with labels; root sees more.\n';

function keyringText({ name, checks, keys }: Keyring): string {
  const colour = colours(1);
  const lines = keys === undefined ? ['may not be read; root may'] : keys.map(keyText);
  const body = lines.length === 0 ? [colour.dim('empty')] : lines;
  return `${name}  ${colour.dim(checks)}\n${body.map((line) => `  ${line}\n`).join('')}`;
}

function keyText({ serial, description, keyId, expires, operations, bits }: KeyringKey): string {
  const facts = [
    keyId === undefined ? [] : [`key id ${keyId}`],
    bits === undefined ? [] : [`${bits} bits`],
    operations === undefined ? [] : [`can ${operations.join(' and ')}`],
    expires === undefined ? ['never expires'] : [`expires: ${expires}`],
  ].flat();
  return `${serial}  ${shown(description)}  (${facts.join(', ')})`;
}
