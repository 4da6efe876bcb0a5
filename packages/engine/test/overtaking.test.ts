import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { Attacker, digestOf, labelNow, openGate, watchdog, writeProgram } from './gate-support.ts';
import { eventually } from './support.ts';

const skip = cannotMount() ?? false;
if (skip === false) watchdog(200);
const LIMIT = { skip, timeout: 180_000 };

const POLICIES = {
  'that measures': 'measure func=BPRM_CHECK\n',
  'that labels': 'measure func=BPRM_CHECK\nappraise func=BPRM_CHECK\n',
};

for (const [name, policy] of Object.entries(POLICIES)) {
  test(`known and small files run while a file is hashed that has no end, under a policy ${name}`, LIMIT, async () => {
    using mount = mountExt4();
    using attacker = new Attacker();
    using patient = new Attacker();
    await using gate = await openGate([mount.path], { policy }, { answerLimit: 150_000 });
    const [known, endless] = ['known', 'endless'].map((each) => writeProgram(join(mount.path, each), each));
    assert.ok(known !== undefined && endless !== undefined);
    labelNow(known);
    assert.equal(await attacker.run(known), 0);
    truncateSync(endless, 2 ** 40);
    const waiting = patient.run('/bin/sh', '-c', '"$0"', endless);
    await eventually('it waits', () => gate.gate.activity().waiting === 1);
    for (let count = 0; count < 10; count++) {
      const path = writeProgram(join(mount.path, `small${count}`), String(count));
      labelNow(path);
      assert.deepEqual([await attacker.run(known), await attacker.run(path)], [0, 0]);
      assert.equal(gate.measured(path).at(-1), digestOf(path));
    }
    // Figures are of the last look, in which a small one may have waited, too.
    await eventually('it alone waits', () => gate.gate.activity().waiting === 1);
    assert.deepEqual(gate.measured(endless), []);
    truncateSync(endless, 0);
    await waiting;
  });
}
