import { keyIdOfCertificate, type ParsedCertificate } from '@assay/core/keys';
import { nodeHasher } from '@assay/core/node';
import { labelKeyrings, type Keyring, type KeyringKey } from '@assay/linux/keyrings';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { readCertificates } from '../labels/certificates.ts';
import { certificateNames, type CertificateNames } from '../log/certificate-names.ts';
import { optionsFrom, OutputOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours, shown } from '../output/terminal.ts';

const Options = OutputOptions.extend({ cert: z.array(z.string().min(1)).default([]) });

/** What the kernel does not tell of its keys: by their ids, from certificates that were given. */
interface KnownCertificate extends Partial<CertificateNames> {
  readonly keyId: string;
  readonly expired: boolean;
  /** Whole days that are left. */
  readonly daysLeft: number;
}

const DAY_MILLISECONDS = 86_400_000;
/** From here on the list says how many days are left: enough for another key to get onto every machine. */
const SOON_DAYS = 60;

interface ShownKey extends KeyringKey {
  readonly certificate?: KnownCertificate;
}

interface ShownKeyring extends Omit<Keyring, 'keys'> {
  readonly keys?: readonly ShownKey[];
}

/** `assay key list` */
export async function listKeys(given: unknown): Promise<number> {
  const { output, cert } = optionsFrom(Options, given);
  const known = (await Promise.all(cert.map(readCertificates))).flat().map(knownCertificate);
  const keyrings = labelKeyrings().map((keyring) => withCertificates(keyring, known));
  const loaded = new Set(keyrings.flatMap(({ keys = [] }) => keys.map(({ keyId }) => keyId)));
  const notLoaded = known.filter(({ keyId }) => !loaded.has(keyId));
  if (output === 'json') printJson({ schema: 'assay.key-list.v1', keyrings, notLoaded });
  else {
    const text = keyrings.length === 0 ? NOTHING : keyrings.map(keyringText).join('');
    process.stdout.write(text + notLoaded.map((each) => `in no keyring: ${certificateText(each)}\n`).join(''));
  }
  return EXIT.fine;
}

const NOTHING = 'This kernel shows no keyring that has to do with labels; root sees more.\n';

function knownCertificate(certificate: ParsedCertificate): KnownCertificate {
  const keyId = keyIdOfCertificate(nodeHasher, certificate).toString(16).padStart(8, '0');
  const left = certificate.validity.notAfter - Date.now();
  const daysLeft = Math.max(0, Math.floor(left / DAY_MILLISECONDS));
  return { keyId, ...certificateNames(certificate), expired: left < 0, daysLeft };
}

function withCertificates({ keys, ...keyring }: Keyring, known: readonly KnownCertificate[]): ShownKeyring {
  if (keys === undefined) return keyring;
  const shownKeys = keys.map((key) => {
    const certificate = known.find(({ keyId }) => keyId === key.keyId);
    return certificate === undefined ? key : { ...key, certificate };
  });
  return { ...keyring, keys: shownKeys };
}

function keyringText({ name, checks, keys }: ShownKeyring): string {
  const colour = colours(1);
  const lines = keys === undefined ? ['may not be read; root may'] : keys.map(keyText);
  const body = lines.length === 0 ? [colour.dim('empty')] : lines;
  return `${name}  ${colour.dim(checks)}\n${body.map((line) => `  ${line}\n`).join('')}`;
}

function keyText({ serial, description, keyring, keyId, expires, operations, bits, certificate }: ShownKey): string {
  if (keyring !== undefined) return `${serial}  all keys of ${shown(keyring)}`;
  const facts = [
    keyId === undefined ? [] : [`key id ${keyId}`],
    bits === undefined ? [] : [`${bits} bits`],
    operations === undefined ? [] : [`can ${operations.join(' and ')}`],
    expires === undefined ? ['the kernel keeps it for good'] : [`expires: ${expires}`],
  ].flat();
  const more = certificate === undefined ? '' : `\n    ${certificateText(certificate)}`;
  return `${serial}  ${shown(description)}  (${facts.join(', ')})${more}`;
}

function certificateText({
  keyId,
  subject = 'a name that cannot be read',
  notAfter = '',
  ...validity
}: KnownCertificate): string {
  return `certificate ${keyId} of ${shown(subject)}, ${endText(notAfter, validity)}`;
}

function endText(notAfter: string, { expired, daysLeft }: Pick<KnownCertificate, 'expired' | 'daysLeft'>): string {
  const colour = colours(1);
  if (expired) return colour.red(`expired on ${notAfter}`);
  if (daysLeft >= SOON_DAYS) return `valid until ${notAfter}`;
  return colour.yellow(`valid until ${notAfter}, for ${daysLeft} ${daysLeft === 1 ? 'day' : 'days'} more`);
}
