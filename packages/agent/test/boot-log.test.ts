import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readEventLog } from '@assay/linux/tpm';
import { swtpmAvailable } from '@assay/testkit/swtpm';
import { EVENT_LOG_LIMIT, HostBoot, route, ROUTES } from '@assay/wire';
import { detailOf, directory, Machine, service, Watched } from './bench.ts';

const available = swtpmAvailable();
const noSwtpm = 'path' in available ? false : available.missing;
const OURS = fileURLToPath(new URL('../../core/test/vectors/eventlog/eventlog.bin', import.meta.url));
const BESIDE = fileURLToPath(new URL('../../../../shared/vectors', import.meta.url));
const VECTORS = process.env['ASSAY_VECTORS'] ?? BESIDE;

interface RealLog {
  readonly path: string;
  readonly secureBoot: 'on' | 'off' | 'unknown';
  /** Begin of the kernel command line, where one is measured. */
  readonly commandLine?: string;
}

const LOGS: readonly RealLog[] = [
  { path: OURS, secureBoot: 'unknown' },
  {
    path: join(VECTORS, 'eventlog/go-eventlog/ubuntu-2104-no-dbx.bin'),
    secureBoot: 'off',
    commandLine: '/boot/vmlinuz-5.11',
  },
  {
    path: join(VECTORS, 'eventlog/go-eventlog/rhel8-uefi.bin'),
    secureBoot: 'on',
    commandLine: '(hd0,gpt2)/boot/vmlinuz-4.18',
  },
  {
    path: join(VECTORS, 'eventlog/tpm2-tools/event-moklisttrusted.bin'),
    secureBoot: 'on',
    commandLine: '(hd0,gpt2)/vmlinuz-5.14',
  },
  { path: join(VECTORS, 'eventlog/tpm2-tools/event-sd-boot-fedora37.bin'), secureBoot: 'unknown' },
];

describe('the boot event log of a real machine', () => {
  for (const { path, secureBoot, commandLine } of LOGS) {
    const missing = existsSync(path) ? noSwtpm : `${path} is not there: set ASSAY_VECTORS`;
    const name = path.split('/').at(-1);
    test(`${name} leads to the PCRs of the TPM that it was extended into`, { skip: missing }, async (t) => {
      const verifier = await service(t);
      const machine = await Machine.swtpm(t, directory(t), readFileSync(path));
      const statePath = join(directory(t), 'agent.json');
      const eventLog = () => readEventLog(path, EVENT_LOG_LIMIT);
      const watched = new Watched(t, machine, { verifierUrl: verifier.url, statePath, eventLog });
      await watched.attested(1);
      const boot = HostBoot.parse(await (await fetch(new URL(route(ROUTES.boot, 'web-03'), verifier.url))).json());
      assert.deepEqual([boot.log.state, boot.secureBoot?.state], ['proved', secureBoot], boot.log.sentence);
      if (commandLine !== undefined)
        assert.ok(boot.commandLine?.state === 'measured' && boot.commandLine.text.startsWith(commandLine));
      assert.equal(boot.bootAggregate?.agrees, true);
      assert.deepEqual(
        boot.pcrs.filter(({ state }) => state === 'differs' || state === 'extended-later'),
        [],
      );
      assert.equal((await detailOf(verifier)).verdict, 'unverified');
    });
  }
});

describe('readEventLog', () => {
  test('reads to the end, and says in a word why there is none', async (t) => {
    const file = join(directory(t), 'log');
    assert.equal(await readEventLog(file, 10), 'none');
    writeFileSync(file, '');
    assert.equal(await readEventLog(file, 10), 'none');
    writeFileSync(file, 'ten bytes.');
    assert.deepEqual(await readEventLog(file, 10), Uint8Array.from(Buffer.from('ten bytes.')));
    assert.equal(await readEventLog(file, 9), 'too-long');
    assert.equal(await readEventLog(directory(t), 10), 'unreadable');
    assert.equal(await readEventLog('/dev/zero', 10), 'unreadable');
  });
});
