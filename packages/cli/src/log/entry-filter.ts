import { nameMatcher } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { isHashName } from '@assay/core/hash';
import { digestText, fieldsOf, filenameHint, type MeasurementEntry } from '@assay/core/measurement';
import { z } from 'zod';
import { UsageError } from '../exit.ts';

const Whole = z
  .string()
  .regex(/^\d{1,9}$/, 'takes a whole number')
  .transform(Number);
/** Of entries, which count from 1. */
export const EntryNumber = Whole.refine((number) => number > 0, 'counts from 1').optional();

/** Options that choose entries of a list; each that is given must hold. */
export const FilterOptions = z.object({
  path: z.string().min(1, 'takes a path or a pattern').optional(),
  digest: z.string().optional(),
  template: z.string().optional(),
  violations: z.boolean().default(false),
  pcr: Whole.refine((number) => number < 24, 'is from 0 to 23').optional(),
  from: EntryNumber,
  to: EntryNumber,
  limit: EntryNumber,
});
export type FilterOptions = z.infer<typeof FilterOptions>;

type Test = (entry: MeasurementEntry) => boolean;

/** Chooses entries that come in the order of the list. */
export class EntryFilter {
  readonly #tests: readonly Test[];
  readonly #last: number;
  #left: number;
  #done = false;

  /** @throws UsageError */
  constructor(options: FilterOptions) {
    const { from, to, limit } = options;
    if (from !== undefined && to !== undefined && from > to) throw new UsageError('--from is after --to');
    this.#tests = testsOf(options);
    this.#last = to ?? Number.POSITIVE_INFINITY;
    this.#left = limit ?? Number.POSITIVE_INFINITY;
  }

  /** Whether no later entry can be wanted. */
  get done(): boolean {
    return this.#done;
  }

  wanted(entries: readonly MeasurementEntry[]): MeasurementEntry[] {
    const found: MeasurementEntry[] = [];
    for (const entry of entries) {
      if (this.#left === 0 || entry.number > this.#last) break;
      if (!this.#tests.every((test) => test(entry))) continue;
      found.push(entry);
      this.#left--;
    }
    this.#done ||= this.#left === 0 || (entries.at(-1)?.number ?? 0) >= this.#last;
    return found;
  }
}

function testsOf({ path, digest, template, violations, pcr, from }: FilterOptions): Test[] {
  const tests: Test[] = [];
  if (from !== undefined) tests.push(({ number }) => number >= from);
  if (pcr !== undefined) tests.push((entry) => entry.pcr === pcr);
  if (violations) tests.push(({ violation }) => violation);
  if (template !== undefined) tests.push(templateTest(template));
  if (digest !== undefined) tests.push(digestTest(digest));
  if (path !== undefined) {
    const matches = nameMatcher(path);
    tests.push(({ fields }) => matches(filenameHint(fields)));
  }
  return tests;
}

function templateTest(template: string): Test {
  try {
    fieldsOf(template);
  } catch (error) {
    if (error instanceof FormatError) throw new UsageError(`--template: ${error.message}`);
    throw error;
  }
  return (entry) => entry.template === template;
}

/** Fewer digits than these would be met by chance. */
const SHORTEST_DIGEST = 8;

/** `sha256:` and the digest or the beginning of it, as a table shows it. */
function digestTest(text: string): Test {
  const [, algorithm = '', hex = ''] = /^(?:verity-)?([a-z0-9-]+):([0-9a-f]+)…?$/.exec(text) ?? [];
  if (!isHashName(algorithm) || hex.length < SHORTEST_DIGEST) {
    throw new UsageError(`--digest takes ALG:HEX with at least ${SHORTEST_DIGEST} digits, not ${JSON.stringify(text)}`);
  }
  const start = text.replace(/…$/, '');
  return ({ fields }) => digestText(fields.digest).startsWith(start);
}
