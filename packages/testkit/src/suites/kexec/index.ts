import { fromHex, toHex, utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { defaultCache, kexecFiles, type GuestFile } from '../../lab/index.ts';
import { together } from '../comparisons.ts';
import { quoteFile, type QuoteQuestion } from '../quoted.ts';
import { ask, type AskOptions, type GuestAnswer, type LiveSuite } from '../suite.ts';
import { judgeKexec } from './judge.ts';

const TIMEOUT_MS = 5 * 60 * 1000;
const PROGRAM = 'kexec.py';

export const QUESTION: QuoteQuestion = {
  nonce: fromHex('6b657865632d6b657865632d6b657865'),
  pcrs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
};

/** Nothing else, so that the list is the same in each run. */
const POLICY = `measure func=KEXEC_CMDLINE
measure func=KEXEC_KERNEL_CHECK
measure func=KEXEC_INITRAMFS_CHECK
`;

/** What the second kernel is told: the words of the lab, and one that is seen in the list. */
const CMDLINE = 'console=ttyS0 panic=-1 loglevel=4 mitigations=off no_timer_check again=1';

/** Whether core knows what kexec leaves in list and TPM. */
export const kexec: LiveSuite = {
  name: 'kexec',
  title: 'kexec: what is measured before, the list and the PCRs after',
  run: async (_cases, options) => [await kexecOnce(options)],
  judge: (answers) => together(answers.map((answer) => judgeKexec(answer, QUESTION))),
};

async function kexecOnce(options: AskOptions): Promise<GuestAnswer> {
  const { kernel, cache = defaultCache() } = options;
  const files = await kexecFiles(kernel, [`./${PROGRAM}`], { ...options, cache });
  const asked = new Map([
    ['policy', utf8(POLICY)],
    ['cmdline', utf8(CMDLINE)],
    ['quote', quoteFile(QUESTION)],
    ['digests', utf8(files.map(digestLine).join(''))],
  ]);
  return ask({ program: PROGRAM, files: asked, timeoutMs: TIMEOUT_MS, machine: { files } }, options);
}

function digestLine({ path, data }: GuestFile): string {
  return `/run/lab/${path} ${toHex(nodeHasher.digest('sha256', data))}\n`;
}
