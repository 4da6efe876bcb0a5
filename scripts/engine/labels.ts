import {
  Comparisons,
  labels,
  labelsAsked,
  textOf,
  type Agreement,
  type Files,
  type GuestAnswer,
} from '@assay/testkit/suites';
import { askEngine } from './ask.ts';
import { engineSuite } from './suite.ts';

/** Whether the engine accepts and refuses what kernels do of files with HMACs and signatures, and leaves the same behind. */
export const engineLabels = engineSuite({
  name: 'engine-labels',
  title: 'the engine, on ext4: files labelled and altered, with EVM by HMACs and signatures, and without',
  asks: labels,
  ask: (answer) => {
    const boot = { mode: 'enforce', hash: 'sha256', template: 'ima-ng' } as const;
    return askEngine({ kernel: answer.kernel, boot, program: 'labels.py', files: labelsAsked(answer) });
  },
  compare,
});

function compare({ kernel, asked, files }: GuestAnswer, found: Files): Agreement {
  const all = new Comparisons(`${kernel.series} ${textOf(asked, 'boot').trim()}`, 'the engine');
  const lines = textOf(asked, 'files').trimEnd().split('\n');
  const rowsOf = (answers: Files): string[] => textOf(answers, 'answers').slice(0, -1).split('\n');
  const [said, did] = [rowsOf(files), rowsOf(found)];
  let accesses = 0;
  for (const [index, line] of lines.entries()) {
    const [path = '', recipe = '', alteration = '', , , kinds = ''] = line.split('\t');
    accesses += kinds.split(',').length;
    const what = `${recipe}, altered: ${alteration} (${path}) ${kinds}`;
    all.compare(what, said[index] ?? 'nothing', did[index] ?? 'nothing');
  }
  return { cases: accesses, disagreements: all.disagreements };
}
