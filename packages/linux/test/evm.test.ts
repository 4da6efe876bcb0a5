import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { SystemError } from '@assay/core/errors';
import { enableEvm, evmState } from '@assay/linux/evm';

// Files in place of securityfs: what a kernel does with them is tried in guests, because it cannot be undone.

function place(t: TestContext, content: string): { readonly evm: string; readonly commandLine: string } {
  const directory = mkdtempSync(join(tmpdir(), 'assay-evm-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const [evm, commandLine] = [join(directory, 'evm'), join(directory, 'cmdline')];
  writeFileSync(evm, content);
  writeFileSync(commandLine, 'root=/dev/vda quiet\n');
  return { evm, commandLine };
}

describe('the state of EVM', () => {
  for (const [text, flags] of [
    ['0', []],
    ['1', ['hmac']],
    ['3', ['hmac', 'signatures']],
    ['6', ['signatures', 'metadata-writes']],
    ['2147483649', ['hmac', 'lock']],
    ['8', []],
  ] as const) {
    test(`that reads ${text} is ${flags.join(' and ') || 'that nothing known is on'}`, (t) => {
      const { evm, commandLine } = place(t, text);
      assert.deepEqual(evmState(['/nothing', evm], commandLine), {
        state: 'present',
        flags: [...flags],
        value: Number(text),
        fix: false,
      });
    });
  }

  test('says whether the kernel mends labels: as a word of its own', (t) => {
    const { evm, commandLine } = place(t, '1');
    const fixes = ['evm=fix', 'noevm=fix', 'evm=fixed', 'quiet evm=fix\n'].map((line) => {
      writeFileSync(commandLine, line);
      const state = evmState([evm], commandLine);
      return state.state === 'present' && state.fix;
    });
    assert.deepEqual(fixes, [true, false, false, true]);
  });

  test('is absent without securityfs, and unreadable where no number is', (t) => {
    assert.equal(evmState(['/nothing']).state, 'absent');
    const { evm, commandLine } = place(t, 'x');
    for (const text of ['', 'x', '-1', '0x1', '12345678901']) {
      writeFileSync(evm, text);
      assert.equal(evmState([evm], commandLine).state, 'unreadable', text);
    }
  });
});

describe('what enables EVM', () => {
  test('is one decimal number of all flags', (t) => {
    const { evm } = place(t, '');
    enableEvm(['hmac', 'signatures'], [evm]);
    assert.equal(readFileSync(evm, 'latin1'), '3');
    enableEvm(['signatures', 'lock'], [evm]);
    assert.equal(readFileSync(evm, 'latin1'), '2147483650');
  });

  test('needs a kernel with EVM', () => {
    assert.throws(
      () => enableEvm(['hmac'], ['/nothing']),
      (error: unknown) => error instanceof SystemError && error.code === 'KERNEL-LACKS',
    );
  });
});
