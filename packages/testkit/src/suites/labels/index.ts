import { utf8 } from '@assay/core/bytes';
import type { KernelSeries } from '../../lab/index.ts';
import { together } from '../comparisons.ts';
import type { Guest, Suite } from '../suite.ts';
import { labelsImage, type ImageFile, type LabelsImage } from './image.ts';
import { accessesOf, BOOTS, judgeLabels, LABELS_POLICY, UUID, type Boot } from './judge.ts';
import { isUsual, recipeName, recipes, type Recipe } from './recipes.ts';

const TIMEOUT_MS = 15 * 60 * 1000;

/** Whether kernels accept what `assay` and `evmctl` have labelled, and refuse it after each kind of change, as core decides. */
export const labels: Suite = {
  name: 'labels',
  title: 'labels by assay and evmctl: files accepted, altered ones refused, with and without EVM',
  guests: async ({ kernel, seed, few }) => {
    const made = await imageFor(seed, few);
    const boots = few ? BOOTS.slice(1, 2) : BOOTS.filter(({ since }) => since === undefined || since === kernel);
    return boots.map((boot) => guestOf(boot, made, { kernel, seed }));
  },
  judge: (answers) => together(answers.map(judgeLabels)),
};

const images = new Map<string, Promise<LabelsImage>>();

/** Made once for all kernels. */
async function imageFor(seed: number, few: boolean): Promise<LabelsImage> {
  const name = `${seed} ${few}`;
  const chosen = recipes().filter((recipe, index) => !few || isSample(recipe, index));
  const image = images.get(name) ?? labelsImage(chosen, seed, UUID);
  images.set(name, image);
  return image;
}

/** Of the labels in security.evm those that all kernels know, so that few files show much. */
function isSample({ evm }: Recipe, index: number): boolean {
  if (evm === undefined) return index % 12 === 0;
  return evm.guard === 'hmac' ? index % 6 === 0 : evm.key === 'rsa2048' && evm.algorithm === 'sha256';
}

interface Asked {
  readonly kernel: KernelSeries;
  readonly seed: number;
}

function guestOf(boot: Boot, { image, certificates, evmKey, masterKey, files }: LabelsImage, asked: Asked): Guest {
  const text = (all: readonly string[]): Uint8Array => utf8(all.map((line) => `${line}\n`).join(''));
  const given: [string, Uint8Array][] = [
    ['boot', text([boot.name])],
    ['evm', utf8(boot.evm)],
    ['image.gz', image],
    ['evm-key', evmKey],
    ['kmk', masterKey],
    ['policy', text(LABELS_POLICY)],
    ['files', text(files.map((file, index) => fileLine(file, index, asked)))],
    ...certificates,
  ];
  const cmdline = 'ima_appraise=enforce audit=1 audit_backlog_limit=100000 log_buf_len=16M';
  return { program: 'labels.py', files: new Map(given), cmdline, timeoutMs: TIMEOUT_MS };
}

function fileLine({ path, recipe, alteration }: ImageFile, index: number, { kernel, seed }: Asked): string {
  const guard = recipe.evm?.guard ?? '';
  const usual = isUsual(recipe, kernel) ? 'usual' : '';
  return [path, recipeName(recipe), alteration, guard, usual, accessesOf(alteration, index, seed).join(',')].join('\t');
}
