import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rescueCard, type RescueSetting } from '../src/engine/rescue-card.ts';

function card(given: Pick<RescueSetting, 'supervision' | 'isService'>): string {
  const pids = given.supervision === undefined ? [70] : [70, 71];
  return rescueCard({ directory: '/run/e', pids, confirmWithin: 300, mounts: ['/srv'], ...given }).join('\n');
}

test('the way out is to kill what runs, all of it, where nobody starts it anew', () => {
  assert.match(
    card({ supervision: undefined, isService: false }),
    /kill 70 .*kill -9 70 if.*\nWith the engine gone everything runs/,
  );
  for (const supervision of ['open', 'closed'] as const)
    assert.match(
      card({ supervision, isService: false }),
      /kill 70 .*kill -9 70 71 if.*\nWith both gone everything runs/,
    );
  assert.match(card({ supervision: 'closed', isService: false }), /alone: what is opened is refused until/);
  assert.doesNotMatch(card({ supervision: 'open', isService: false }), /is refused until/);
});

test('a service of systemd is stopped, as killing it starts it anew, and with closed lets nothing run', () => {
  for (const supervision of [undefined, 'open', 'closed'] as const) {
    const text = card({ supervision, isService: true });
    assert.match(text, /systemctl stop assay-engine\nStopped so, everything runs/);
    assert.doesNotMatch(text, /kill -9|gone everything runs/);
  }
  assert.match(card({ supervision: 'closed', isService: true }), /Do not kill it: .* waits for it or is refused/);
  assert.match(card({ supervision: 'open', isService: true }), /Killed, everything runs until systemd starts it anew/);
});
