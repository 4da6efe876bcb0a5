import { describe, test } from 'node:test';
import { concat, toBase64, utf8 } from '@assay/core/bytes';
import { decodeEvent, parseEventLog, parseSignatureLists, parseVariable, secureBootOf } from '@assay/core/eventlog';
import { parseCertificate } from '@assay/core/keys';
import { encodeBinaryEntry, parseBinaryList } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { parseCertificates } from '@assay/core/x509';
import { mintAuthority } from '@assay/testkit/certificates';
import { SimulatedHost } from '@assay/testkit/evidence';
import { agileLog, GOOD, SHA256, signatureList, withChanges } from '@assay/testkit/forge';
import { assertHostileInput } from './mutations.ts';

const { raw: certificate } = mintAuthority('Root').certificate;
const pem = `-----BEGIN CERTIFICATE-----\n${toBase64(certificate).replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;

const host = await SimulatedHost.boot({ name: 'web-03' });
for (const path of ['/usr/bin/a', '/usr/bin/b']) await host.execute(path, path);

const lists = concat([signatureList(SHA256, new Uint8Array(32)), signatureList(SHA256, new Uint8Array(32).fill(1))]);

const nothing = (read: (input: Uint8Array) => unknown) => (input: Uint8Array) => void read(input);

const PARSERS: Readonly<Record<string, readonly [Uint8Array, (input: Uint8Array) => Uint8Array | undefined]>> = {
  'a boot event log': [agileLog(withChanges({})), nothing(readLog)],
  'a UEFI variable': [GOOD.db.data, nothing(parseVariable)],
  'lists of signatures': [lists, nothing(parseSignatureLists)],
  'an X.509 certificate': [certificate, (input) => parseCertificate(input).raw],
  'certificates in PEM': [utf8(pem), nothing((input) => parseCertificates(Buffer.from(input).toString('latin1')))],
  'a binary measurement list': [
    host.list.bytes(),
    (input) => concat(parseBinaryList(input, { bank: 'sha256' }).entries.map(encodeBinaryEntry)),
  ],
};

function readLog(input: Uint8Array): void {
  const parsed = parseEventLog(input);
  for (const event of parsed.events) decodeEvent(event);
  for (const bank of parsed.banks) secureBootOf(nodeHasher, parsed, bank);
}

describe('whatever its bytes are changed to, it is refused with a typed error or read in one way only', () => {
  for (const [name, [good, again]] of Object.entries(PARSERS)) {
    test(name, (t) => {
      again(good);
      t.diagnostic(`${assertHostileInput(good, again)} mutations`);
    });
  }
});
