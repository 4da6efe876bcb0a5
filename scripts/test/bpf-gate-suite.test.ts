import { bpfGate } from '../bpf-gate/suite.ts';
import { testKeptSuite } from './kept-suite.ts';

testKeptSuite(
  bpfGate,
  [
    [
      'a program in memory that runs',
      'tries',
      (text) => text.replace(/^(enforce\texecute from memory\t.*\t)Perm.*$/m, '$10'),
    ],
    [
      'a changed file that is mapped',
      'tries',
      (text) => text.replace(/^(enforce\tmap held\t.*\t)Perm.*$/m, '$1mapped'),
    ],
    ['a refusal that is only to be told', 'tries', (text) => text.replace(/^(log\tmap\t.*\t)mapped$/m, '$1refused')],
    ['a refusal after the end', 'tries', (text) => text.replace(/^(end\tmap memory\t.*\t)mapped$/m, '$1refused')],
    ['a record that is missing', 'records', (text) => text.replace(/^refused BPRM_CHECK unasked program\n/m, '')],
    ['a gap that nobody was told of', 'gaps', () => 'answer-late\n'],
    [
      'a refusal on a file system that got the number of one that is gone',
      'tries',
      (text) => text.replace(/^(reused\t.*\t)0$/m, '$1Permission denied'),
    ],
    [
      'a refusal after the engine was killed',
      'tries',
      (text) => text.replace(/^(killed\texecute\t.*\t)0$/m, '$1Permission denied'),
    ],
    ['a hook that is not asked', 'hooks', (text) => text.replace(' file_mprotect', '')],
  ],
  ['6.12', '7.2'],
);
