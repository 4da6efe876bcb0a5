import { utf8 } from '@assay/core/bytes';
import { together } from '../comparisons.ts';
import type { Guest, Suite } from '../suite.ts';
import { fileLine, isMounted, VERITY_POLICY, verityFiles } from './cases.ts';
import { verityImages } from './image.ts';
import { judgeVerity } from './judge.ts';

const TIMEOUT_MS = 15 * 60 * 1000;
const CMDLINE = 'ima_appraise=enforce audit=1 audit_backlog_limit=100000 log_buf_len=16M';

/** Whether kernels build the trees that core computes, and accept what `assay file sign --verity` has signed. */
export const verity: Suite = {
  name: 'verity',
  title: 'fs-verity: digests and descriptors, measured, and appraised by signatures',
  guests: async ({ kernel, seed, few }) => {
    const files = verityFiles(seed, few);
    const mounted = files.filter((file) => isMounted(file, kernel));
    const text = (all: readonly string[]): Uint8Array => utf8(all.map((line) => `${line}\n`).join(''));
    const images = await imagesFor(seed, few);
    const given = new Map([...images, ['policy', text(VERITY_POLICY)], ['files', text(mounted.map(fileLine))]]);
    const guest: Guest = { program: 'verity.py', files: given, cmdline: CMDLINE, timeoutMs: TIMEOUT_MS };
    return [guest];
  },
  judge: (answers) => together(answers.map(judgeVerity)),
};

const images = new Map<string, ReturnType<typeof verityImages>>();

/** Made once for all kernels. */
async function imagesFor(seed: number, few: boolean): ReturnType<typeof verityImages> {
  const name = `${seed} ${few}`;
  const made = images.get(name) ?? verityImages(verityFiles(seed, few));
  images.set(name, made);
  return made;
}
