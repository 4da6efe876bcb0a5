import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import { DEBIAN_EVMCTL, evmctlMissing } from '@assay/testkit/peers';
import { fileDraft, recordDraft } from '../src/drafts.ts';
import { MeasurementList } from '../src/list.ts';
import type { EngineTpm } from '../src/engine-tpm.ts';
import { scratchDirectory, startTpm } from './support.ts';

const missing = evmctlMissing();

/** PCR values as evmctl reads them from a file. */
async function writePcrs(tpm: EngineTpm, bank: HashName, path: string): Promise<void> {
  const values = await tpm.readPcrs(
    bank,
    Array.from({ length: 24 }, (_, pcr) => pcr),
  );
  const lines = Array.from(values, ([pcr, value]) => {
    const bytes = Array.from(value, (byte) => byte.toString(16).padStart(2, '0').toUpperCase());
    return `PCR-${String(pcr).padStart(2, '0')}: ${bytes.join(' ')}\n`;
  });
  writeFileSync(path, lines.join(''));
}

test('evmctl replays the list to the PCRs of the TPM, and not to others', { skip: missing }, async () => {
  await using machine = await startTpm('swtpm');
  using directory = scratchDirectory();
  const { list } = await MeasurementList.open(directory.path, machine.tpm);
  const digest = nodeHasher.digest('sha256', utf8('a'));
  const drafts = [recordDraft('start', [['mode', 'notify']]), fileDraft(utf8('/bin/a b'), digest)];
  for (const entry of list.append(drafts)) if (entry !== undefined) await list.extendNext();
  list.close();
  const [sha1, sha256] = [join(directory.path, 'pcrs-sha1'), join(directory.path, 'pcrs-sha256')];
  await writePcrs(machine.tpm, 'sha1', sha1);
  await writePcrs(machine.tpm, 'sha256', sha256);
  const measurements = join(directory.path, 'binary_runtime_measurements');
  const check = (): string => {
    const pcrs = ['--pcrs', `sha1,${sha1}`, '--pcrs', `sha256,${sha256}`];
    const { stdout, stderr } = spawnSync(DEBIAN_EVMCTL, ['-v', 'ima_measurement', ...pcrs, measurements], {
      encoding: 'utf8',
    });
    return stdout + stderr;
  };
  // Its exit code says too little: it is 0 for an empty list and for PCRs that cannot be read.
  const matched = check();
  assert.match(matched, /sha1 PCR-10: succeed at entry 3/);
  assert.match(matched, /sha256 PCR-10: succeed at entry 3/);
  assert.match(matched, /Matched per TPM bank calculated digest\(s\)/);
  const altered = readFileSync(sha256, 'utf8').replace(/PCR-10: ../, (text) =>
    text.endsWith('00') ? 'PCR-10: 01' : 'PCR-10: 00',
  );
  writeFileSync(sha256, altered);
  assert.match(check(), /Failed to match per TPM bank/);
});
