import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeJournal, openJournal, type JournalField } from '@assay/linux/journal';

/** Reads datagrams, which Node cannot, and prints them in hexadecimal; without `count` it reads none. */
const LISTENER = `
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print('listening', flush=True)
for number in range(int(sys.argv[2])):
    print(listener.recv(65536).hex(), flush=True)
sys.stdin.read()
`;

async function listening(path: string, count: number): Promise<{ lines: () => Promise<string[]>; end: () => void }> {
  const child = spawn('python3', ['-c', LISTENER, path, String(count)], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  await once(child.stdout, 'data');
  const lines = async (): Promise<string[]> => {
    while (text.split('\n').length < count + 2) await once(child.stdout, 'data');
    return text.trimEnd().split('\n').slice(1);
  };
  return { lines, end: () => child.kill('SIGKILL') };
}

function scratch(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'assay-journal-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const FIELDS: readonly JournalField[] = [
  ['MESSAGE', 'denied'],
  ['FILE', '/a\nb'],
];

test('the journal gets the fields of a message, syslog its text on one line', { timeout: 120_000 }, async () => {
  for (const kind of ['journal', 'syslog'] as const) {
    using directory = scratch();
    const path = join(directory.path, 'socket');
    const listener = await listening(path, 1);
    try {
      const paths = { journal: join(directory.path, 'none'), syslog: join(directory.path, 'none'), [kind]: path };
      const journal = openJournal('assay-test', paths);
      assert.equal(journal?.kind, kind);
      assert.equal(journal.write(4, FIELDS), true);
      const [line = ''] = await listener.lines();
      const expected =
        kind === 'journal'
          ? 'PRIORITY=4\nSYSLOG_IDENTIFIER=assay-test\nMESSAGE=denied\nFILE\n\u0004\0\0\0\0\0\0\0/a\nb\n'
          : `<84>assay-test[${process.pid}]: denied`;
      assert.equal(Buffer.from(line, 'hex').toString('latin1'), expected);
      journal.close();
    } finally {
      listener.end();
    }
  }
});

test('who does not read is not waited for, and what is too long is not sent', { timeout: 120_000 }, async () => {
  using directory = scratch();
  const path = join(directory.path, 'socket');
  const listener = await listening(path, 0);
  try {
    const journal = openJournal('assay-test', { journal: path, syslog: path });
    assert.ok(journal);
    assert.equal(journal.write(4, [['MESSAGE', 'x'.repeat(9000)]]), false);
    const taken = Array.from({ length: 100_000 }, () => journal.write(4, FIELDS)).indexOf(false);
    assert.ok(taken > 0, 'the queue of a socket has an end');
    journal.close();
  } finally {
    listener.end();
  }
});

test('where nobody listens there is no journal', () => {
  using directory = scratch();
  const none = join(directory.path, 'none');
  assert.equal(openJournal('assay-test', { journal: none, syslog: none }), undefined);
});

test('no value can make another field', () => {
  const value = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(value, value, (first, second) => {
      const bytes = Buffer.from(
        encodeJournal([
          ['A', first],
          ['B', second],
        ]),
      );
      const found: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; ) {
        const [equals, newline] = [bytes.indexOf('=', at), bytes.indexOf('\n', at)];
        const isPlain = equals === at + 1;
        const start = isPlain ? equals + 1 : newline + 9;
        const end = isPlain ? bytes.indexOf('\n', start) : start + Number(bytes.readBigUInt64LE(newline + 1));
        found.push(Uint8Array.from(bytes.subarray(start, end)));
        at = end + 1;
      }
      assert.deepEqual(found, [first, second]);
    }),
  );
});
