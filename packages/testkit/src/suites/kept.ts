import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isKernelSeries } from '../lab/index.ts';
import { readAll, type AskedKernel, type Files, type GuestAnswer } from './suite.ts';

/** Keeps the answers of a suite's guests in a directory, so that they can be judged without the kernel. */
export async function keepAnswers(directory: string, answers: readonly GuestAnswer[]): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  for (const [index, { kernel, asked, files }] of answers.entries()) {
    const target = join(directory, String(index));
    await keepFiles(join(target, 'asked'), asked);
    await keepFiles(join(target, 'answered'), files);
    await writeFile(join(target, 'kernel'), `${kernel.series} ${kernel.version} ${kernel.release}\n`);
    await writeFile(join(target, 'config'), kernel.config);
  }
}

async function keepFiles(directory: string, files: Files): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, data] of files) await writeFile(join(directory, name), data);
}

/** What {@link keepAnswers} kept. */
export async function keptAnswers(directory: string): Promise<GuestAnswer[]> {
  const names = (await readdir(directory)).toSorted((a, b) => Number(a) - Number(b));
  return Promise.all(
    names.map(async (name) => ({
      kernel: await keptKernel(join(directory, name)),
      asked: await keptQuestions(join(directory, name, 'asked')),
      files: await readAll(join(directory, name, 'answered')),
    })),
  );
}

/** Of a guest that was asked for nothing, git keeps no directory. */
async function keptQuestions(directory: string): Promise<Files> {
  return existsSync(directory) ? readAll(directory) : new Map();
}

async function keptKernel(directory: string): Promise<AskedKernel> {
  const names = await readFile(join(directory, 'kernel'), 'utf8');
  const [series = '', version = '', release = ''] = names.trim().split(' ');
  if (!isKernelSeries(series)) throw new RangeError(`${directory} was kept of no kernel of the lab`);
  return { series, version, release, config: await readFile(join(directory, 'config'), 'utf8') };
}
