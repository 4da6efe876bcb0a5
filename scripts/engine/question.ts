import type { AppraiseMode } from '@assay/core/appraisal';
import { isHashName, type HashName } from '@assay/core/hash';
import type { AskedKernel, Files } from '@assay/testkit/suites';

/** What stands for the command line of the kernel. */
export interface EngineBoot {
  readonly mode: AppraiseMode;
  /** `ima_hash=` */
  readonly hash: HashName;
  /** Name or format of the default template. */
  readonly template: string;
}

/** A program of a suite with its files, to be run with the engine in the place of a guest's kernel. */
export interface EngineQuestion {
  /** As which the engine decides. */
  readonly kernel: AskedKernel;
  readonly boot: EngineBoot;
  readonly program: string;
  readonly files: Files;
}

/** For the process that runs the engine. */
export function bootWords({ mode, hash, template }: EngineBoot): string[] {
  return [mode, hash, template];
}

/** @throws RangeError for words that {@link bootWords} did not make */
export function parseBoot([mode = '', hash = '', template = '']: readonly string[]): EngineBoot {
  if (!isHashName(hash)) throw new RangeError(`no hash ${hash}`);
  return { mode: parseMode(mode), hash, template };
}

/** @throws RangeError */
export function parseMode(name: string): AppraiseMode {
  const mode = (['off', 'log', 'fix', 'enforce'] as const).find((each) => each === name);
  if (mode === undefined) throw new RangeError(`no mode ${name}`);
  return mode;
}
