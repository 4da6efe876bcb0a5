// The verifier under test, in a process of its own that answers what it has used.
import { startVerifier } from '@assay/verifier';
import type { Usage } from './usage.ts';

const [store = ''] = process.argv.slice(2);
const tokens = { operator: 'o'.repeat(43), join: 'j'.repeat(43) };
const verifier = await startVerifier({ store, port: 0, tokens, heartbeatSeconds: 3600, staleAfterSeconds: 7200 });
process.on('message', () => {
  const cpuBefore = cpuTime();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.({ cpuBefore, cpu: cpuTime(), memory: heapUsed + external } satisfies Usage);
});
process.on('disconnect', () => void verifier.close());
process.send?.(verifier.url);

function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
