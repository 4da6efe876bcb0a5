import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { updateSoon } from '../src/bpf/update-soon.ts';

/** A map that fails so often at first. */
function failing(times: number, errno: number): { readonly tries: () => number; readonly update: () => boolean } {
  let tries = 0;
  const update = (): boolean => {
    if (++tries <= times) throw Object.assign(new Error('no'), { errno });
    return true;
  };
  return { tries: () => tries, update };
}

test('a value is set though the kernel had no room for it at one moment', () => {
  const map = failing(3, constants.errno.ENOMEM);
  updateSoon(map);
  assert.equal(map.tries(), 4);
});

test('what has no room again and again is told, as is everything else at once', () => {
  const [full, refused] = [failing(Infinity, constants.errno.ENOMEM), failing(1, constants.errno.ENOENT)];
  assert.throws(() => updateSoon(full), { errno: constants.errno.ENOMEM });
  assert.throws(() => updateSoon(refused), { errno: constants.errno.ENOENT });
  assert.deepEqual([full.tries(), refused.tries()], [8, 1]);
});
