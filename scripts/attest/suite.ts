import { together, type LiveSuite } from '@assay/testkit/suites';
import { judgeBoots } from './judge.ts';

/** Whether the agent, run by a guest with the kernel's list and the TPM device, is judged rightly by the verifier outside. */
export const attest: LiveSuite = {
  name: 'attest',
  title: 'attestation of a guest: enrolled, trusted, tampered with, rebooted',
  run: async (_cases, options) => (await import('./outside.ts')).attestGuest(options),
  judge: (answers) => together(judgeBoots(answers)),
};
