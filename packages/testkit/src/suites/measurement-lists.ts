import { toHex, utf8 } from '@assay/core/bytes';
import type { KernelSeries } from '../lab/index.ts';
import { together } from './comparisons.ts';
import { judgeLists, QUOTED } from './measurement-judge.ts';
import { MEASURED_POLICY, measuredFiles, NONCE, type MeasuredFile } from './measurement-cases.ts';
import type { ListBoot } from './measurement-expected.ts';
import { quoteFile } from './quoted.ts';
import type { Guest, Suite } from './suite.ts';

const FILES = { all: 150, few: 16 } as const;
const TIMEOUT_MS = 15 * 60 * 1000;
const CUSTOM = 'd-ngv2|n-ng|sig|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode|buf|d-modsig|modsig';

/** Whether core reads, recomputes and replays the lists that kernels write, and their TPM's quotes over them. */
export const measurementLists: Suite = {
  name: 'measurement-lists',
  title: 'measurement lists: entries, digests, PCRs, quotes',
  guests: ({ kernel, seed, few }) => {
    const boots = few ? bootsOf(kernel).slice(0, 1) : bootsOf(kernel);
    return boots.map((boot, index) => guestOf(boot, measuredFiles(seed + index, few ? FILES.few : FILES.all)));
  },
  judge: (answers) => together(answers.map((answer) => judgeLists(answer))),
};

/** The hash of 6.1 has to be one that is not a module. */
function bootsOf(kernel: KernelSeries): ListBoot[] {
  const other = kernel === '6.1' ? 'sha1' : 'sha512';
  return [
    { hash: 'sha256', template: 'ima-sig', cmdline: '' },
    { hash: other, template: 'ima-ngv2', cmdline: `ima_hash=${other} ima_template=ima-ngv2` },
    { hash: 'sha256', template: CUSTOM, cmdline: `ima_template_fmt=${CUSTOM}` },
    { hash: 'sha1', template: 'ima', cmdline: 'ima_template=ima ima_hash=sha1' },
    { hash: 'sha1', template: 'd|n', cmdline: 'ima_hash=sha1 ima_template_fmt=d|n' },
  ];
}

function guestOf(boot: ListBoot, files: readonly MeasuredFile[]): Guest {
  const lines = (all: readonly string[]): Uint8Array => utf8(all.map((line) => `${line}\n`).join(''));
  return {
    program: 'measurement-list.py',
    files: new Map([
      ['boot', lines([boot.hash, boot.template])],
      ['files', lines(files.map(fileLine))],
      ['policy', lines(MEASURED_POLICY)],
      ['quote', quoteFile({ nonce: NONCE, pcrs: QUOTED })],
    ]),
    cmdline: boot.cmdline,
    timeoutMs: TIMEOUT_MS,
  };
}

function fileLine({ index, owner, kind, path, size, ima, evm, verity }: MeasuredFile): string {
  const salt = verity === undefined || verity.salt.length === 0 ? '' : ` --salt=${toHex(verity.salt)}`;
  const enable = verity === undefined ? '' : `--hash-alg=${verity.algorithm} --block-size=4096${salt}`;
  const hex = (value: Uint8Array | undefined): string => (value === undefined ? '' : toHex(value));
  return [index, owner, kind, toHex(path), size, hex(ima), hex(evm), enable].join('\t');
}
