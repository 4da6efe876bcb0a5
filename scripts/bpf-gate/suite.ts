import { together, type LiveSuite } from '@assay/testkit/suites';
import { judgeGate } from './judge.ts';

/** Whether the engine's programs in the kernel (BPF LSM) see every way past it that fanotify does not, and refuse no more. */
export const bpfGate: LiveSuite = {
  name: 'bpf-gate',
  title: 'gate of the engine in the kernel: tries to get past it, told and refused',
  run: async (_cases, options) => (await import('./outside.ts')).tryInGuest(options),
  judge: (answers) => together(answers.map(judgeGate)),
};
