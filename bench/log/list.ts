// A binary list as a busy machine would have it, and the PCR values that it leads to, by node:crypto alone.
import { createHash, hash, randomFillSync } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

const BANKS = ['sha1', 'sha256'] as const;
const PIECE_BYTES = 1024 * 1024;
const DIRECTORIES = [
  '/usr/bin',
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/python3/dist-packages/cryptography/hazmat/primitives',
  '/usr/lib/modules/6.12.38+deb13-amd64/kernel/drivers/net/ethernet',
  '/usr/share/perl5/Debconf/FrontEnd',
  '/var/lib/docker/overlay2/5f2c9e71b0d64c7b8e0f0f4c0d1e9a55/merged/usr/lib',
  '/opt/service/node_modules/@types/connect',
  '/etc/systemd/system',
];

export type PcrValues = Readonly<Record<(typeof BANKS)[number], string>>;

/**
 * Writes a list of `ima-ng` entries of PCR 10 with SHA-1 template digests, in the order of ima_fs.c.
 * @returns the values of PCR 10 in both banks
 */
export function writeList(path: string, entries: number): PcrValues {
  const file = openSync(path, 'w');
  try {
    return writeEntries(file, entries);
  } finally {
    closeSync(file);
  }
}

function writeEntries(file: number, entries: number): PcrValues {
  const values = { sha1: Buffer.alloc(20), sha256: Buffer.alloc(32) };
  const piece = Buffer.alloc(PIECE_BYTES);
  let used = 0;
  for (let entry = 0; entry < entries; entry++) {
    const data = templateData(entry);
    const record = recordOf(data);
    if (used + record.length > piece.length) {
      writeSync(file, piece, 0, used);
      used = 0;
    }
    used += record.copy(piece, used);
    values.sha1 = extend('sha1', values.sha1, data);
    values.sha256 = extend('sha256', values.sha256, data);
  }
  writeSync(file, piece, 0, used);
  return { sha1: values.sha1.toString('hex'), sha256: values.sha256.toString('hex') };
}

function extend(bank: (typeof BANKS)[number], value: Buffer<ArrayBuffer>, data: Buffer): Buffer<ArrayBuffer> {
  return createHash(bank)
    .update(value)
    .update(hash(bank, data, 'buffer'))
    .digest();
}

function templateData(entry: number): Buffer {
  const digest = randomFillSync(Buffer.alloc(32));
  const directory = DIRECTORIES[entry % DIRECTORIES.length] ?? '';
  const name = Buffer.from(`${directory}/${'component-'.slice(0, entry % 11)}${entry}.so\0`);
  return Buffer.concat([u32(8 + digest.length), Buffer.from('sha256:\0'), digest, u32(name.length), name]);
}

function recordOf(data: Buffer): Buffer {
  const name = Buffer.from('ima-ng');
  return Buffer.concat([u32(10), hash('sha1', data, 'buffer'), u32(name.length), name, u32(data.length), data]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
