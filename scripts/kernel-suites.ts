import { SUITES, type Suite } from '@assay/testkit/suites';
import { attest } from './attest/suite.ts';
import { bpfGate } from './bpf-gate/suite.ts';
import { engineAppraisal } from './engine/appraisal.ts';
import { engineLabels } from './engine/labels.ts';
import { engineLists } from './engine/lists.ts';
import { engineMatching } from './engine/matching.ts';
import { engineWorkload } from './engine/workload.ts';
import { evmKey } from './evm-key/suite.ts';

/** All suites of `npm run test:kernel`, in the order in which they run. */
export const KERNEL_SUITES: readonly Suite[] = [
  ...SUITES,
  evmKey,
  attest,
  bpfGate,
  engineMatching,
  engineAppraisal,
  engineLabels,
  engineLists,
  engineWorkload,
];
