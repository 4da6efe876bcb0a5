import { createPrivateKey, createPublicKey } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { FormatError } from '@assay/core/errors';
import { parsePublicKey } from '@assay/core/keys';
import { certificateBy, newSigningKey } from '@assay/core/node';
import { certificatePem, parseCertificates } from '@assay/core/x509';
import { writePrivateJson } from '@assay/linux/files';
import { z } from 'zod';
import { readStateFile } from '../state-file.ts';

const DAY_MILLISECONDS = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** A certificate of the verifier is made anew at each start. */
const SERVER_DAYS = 397;
/** Of hosts whose clocks are late. */
const EARLIER_MILLISECONDS = 3600_000;

const Authority = z.object({ schema: z.literal('assay.authority.v1'), key: z.string(), certificate: z.string() });
type Authority = z.infer<typeof Authority>;

/**
 * The authority of a state directory, made where it has none: it signs the certificates of hosts, and that of the verifier
 * where nobody else does. Its certificate is in `authority.pem`, for agents.
 */
export async function openAuthority(directory: string): Promise<Authority> {
  const path = join(directory, 'authority.json');
  const kept = await readStateFile(path, Authority, 'assay verifier serve');
  const authority = kept ?? (await newAuthority());
  if (kept === undefined) await writePrivateJson(path, authority);
  await writeFile(join(directory, 'authority.pem'), authority.certificate);
  return authority;
}

async function newAuthority(): Promise<Authority> {
  const key = newSigningKey();
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const publicKey = publicKeyIn(pem);
  const times = validFor(AUTHORITY_DAYS);
  const parameters = { name: 'Assay verifier', publicKey, ...times, purpose: { kind: 'authority' } } as const;
  return {
    schema: 'assay.authority.v1',
    key: pem,
    certificate: certificatePem(await certificateBy({ key }, parameters)),
  };
}

/** A key and a certificate for a server that is asked under these names and addresses, signed by the authority. */
export async function serverCertificate(
  { key: authorityKey, certificate: authority }: Authority,
  names: readonly string[],
): Promise<{ readonly key: string; readonly certificate: string }> {
  const key = newSigningKey().export({ type: 'pkcs8', format: 'pem' }).toString();
  const [issuer] = parseCertificates(authority);
  if (issuer?.subjectKeyIdentifier === undefined)
    throw new FormatError('KEY-UNKNOWN', 'the authority has no identifier');
  const by = { subject: issuer.subject, keyIdentifier: issuer.subjectKeyIdentifier };
  const purpose = {
    kind: 'server',
    names: names.filter((name) => isIP(name) === 0),
    addresses: names.filter((name) => isIP(name) !== 0).map(addressBytes),
  } as const;
  const parameters = { name: 'Assay verifier', publicKey: publicKeyIn(key), ...validFor(SERVER_DAYS), purpose };
  const der = await certificateBy({ key: createPrivateKey(authorityKey), certificate: by }, parameters);
  return { key, certificate: certificatePem(der) };
}

function publicKeyIn(pem: string) {
  return parsePublicKey(createPublicKey(pem).export({ type: 'spki', format: 'der' }));
}

function validFor(days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - EARLIER_MILLISECONDS), notAfter: new Date(now + days * DAY_MILLISECONDS) };
}

/** 4 or 16 bytes, big-endian. */
function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.').map(Number));
  // The shortest form, all in hexadecimal; its groups of zeros are filled in here.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [first, last] = [groups(head), tail === undefined ? [] : groups(tail)];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0');
  return Uint8Array.from(
    [...first, ...zeros, ...last].flatMap((group) => [
      Number.parseInt(group, 16) >> 8,
      Number.parseInt(group, 16) & 0xff,
    ]),
  );
}
