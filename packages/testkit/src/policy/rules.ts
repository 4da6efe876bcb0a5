import fc from 'fast-check';
import { anyOf, FUNCTIONS, VALUES, words } from './values.ts';

const ACTIONS = words('measure dont_measure appraise dont_appraise audit dont_audit hash dont_hash');
/** The actions that have options stand in more rules than the others. */
const action = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('measure', 'appraise') },
  { weight: 5, arbitrary: fc.constantFrom('dont_measure', 'dont_appraise', 'audit', 'hash', 'dont_hash') },
  { weight: 1, arbitrary: fc.constant('dont_audit') },
);

const IDS = words('uid euid gid egid fowner fgroup');
const OF_FILES = ['mask', 'fsmagic', 'fsname', 'fsuuid', ...IDS];
const LABELS = words('subj_user subj_role subj_type obj_user obj_role obj_type');
/** Words of new kernels and labels, which most kernels refuse, stand in few rules. */
const SELDOM = [...LABELS, 'fs_subtype'];
const OFTEN = Object.keys(VALUES).filter((name) => !SELDOM.includes(name));

/** Words that go with a function and an action; what is random is which of them stand in the rule. */
function fitting(verb: string, func: string | undefined): readonly string[] {
  if (func === 'KEY_CHECK') return words('uid gid pcr keyrings template');
  if (func === 'CRITICAL_DATA') return words('uid gid pcr label template');
  if (func === 'SETXATTR_CHECK') return ['appraise_algos'];
  const conditions = func === 'KEXEC_CMDLINE' ? OF_FILES.slice(1) : OF_FILES;
  if (verb === 'measure') return [...conditions, 'pcr', 'template', 'digest_type', 'permit_directio'];
  if (verb === 'appraise')
    return [...conditions, 'appraise_type', 'appraise_algos', 'digest_type', 'appraise_flag', 'permit_directio'];
  return [...conditions, 'permit_directio'];
}

function wordOf(name: string, quality: 'good' | 'edge'): fc.Arbitrary<string> {
  const values = VALUES[name];
  if (values === undefined) return fc.constant(name);
  const operator = IDS.includes(name) ? fc.constantFrom('=', '<', '>') : fc.constant('=');
  return fc.tuple(operator, values[quality]).map(([sign, value]) => name + sign + value);
}

const anyName = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...OFTEN, 'permit_directio') },
  { weight: 1, arbitrary: fc.constantFrom(...SELDOM) },
);
const goodWord = anyName.chain((name) => wordOf(name, 'good'));
const edgeWord = anyName.chain((name) => wordOf(name, 'edge'));
const unknownWord = fc.oneof(
  anyOf(
    'bogus Measure FUNC=FILE_CHECK func func:FILE_CHECK uid uid>=5 uid<=5 uid!=5 uid==5 mask<MAY_READ fsmagic>1 ' +
      'path=/bin/sh fscontext=a permit_directio=1 don_measure measure= digest_cache=content pcr = < func= !measure ' +
      '"measure" measure; measure,audit \u00e9',
  ),
  fc.string({ unit: anyOf('a m = < > | ^ , # + - 0 x f _'), minLength: 1, maxLength: 10 }),
);

/** Words that each fit; whether they go together is then a matter of one or two of them. */
const fittingWords = fc
  .tuple(action, fc.option(fc.constantFrom(...FUNCTIONS), { nil: undefined, freq: 4 }))
  .chain(([verb, func]) => {
    const names = [...fitting(verb, func)];
    return fc
      .subarray(names, { maxLength: Math.min(5, names.length) })
      .chain((some) => fc.tuple(...some.map((name) => wordOf(name, 'good'))))
      .chain((rest) => fc.shuffledSubarray(rest, { minLength: rest.length }))
      .map((rest) => [verb, ...(func === undefined ? [] : [`func=${func}`]), ...rest]);
  });

const looseWords = fc
  .tuple(
    action,
    fc.array(fc.oneof({ weight: 6, arbitrary: goodWord }, { weight: 1, arbitrary: edgeWord }), { maxLength: 4 }),
  )
  .map(([verb, rest]) => [verb, ...rest]);

type Spoil = (at: number, words: readonly string[]) => readonly string[];

const spoil: fc.Arbitrary<Spoil> = fc.oneof(
  fc.oneof(edgeWord, unknownWord, goodWord, fc.constantFrom(...ACTIONS)).map(
    (word): Spoil =>
      (at, all) =>
        all.toSpliced(at, 0, word),
  ),
  fc.constantFrom<Spoil>(
    (at, all) => all.toSpliced(at, 0, all[at] ?? ''),
    (at, all) => all.toSpliced(at, 1),
    (at, all) => all.with(at, (all[at] ?? '').toUpperCase()),
    (at, all) => all.with(at, (all[at] ?? '').replace(/[=<>]/, ' $& ')),
    (at, all) => all.with(at, (all[at] ?? '').slice(0, -1)),
    (at, all) => [...all.slice(at), ...all.slice(0, at)],
    (at, all) => all.with(at, `${all[at]}\r`),
  ),
);

/** A rule of fitting words with one thing done to it. */
const spoiledWords = fc
  .tuple(fittingWords, spoil, fc.nat(20))
  .map(([all, change, place]) => change(place % all.length, all));

const blank = fc.constantFrom(' ', ' ', ' ', '\t', '  ', ' \t ');
/** What a reader could take for a blank, and the kernel does not. */
const falseBlank = fc.constantFrom(',', '\v', '\f', '\r', '\u00a0', ';', '\u001f');
const margin = fc.oneof(
  { weight: 9, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constantFrom(' ', '\t') },
);
const comment = fc.oneof(
  { weight: 29, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constantFrom(' # why', ' #', '\t#x #', '#x', ' ; why') },
);

function spaced(rule: fc.Arbitrary<readonly string[]>): fc.Arbitrary<string> {
  const between = fc.oneof({ weight: 60, arbitrary: blank }, { weight: 1, arbitrary: falseBlank });
  return fc
    .tuple(rule, between, margin, comment, margin)
    .map(([all, gap, before, behind, after]) => before + all.join(gap) + behind + after);
}

/** The kernel takes 4095 bytes of a write. */
const WRITE_LIMIT = 4095;

/** Rules that end a few bytes before or behind the limit of a write, in a value, in blanks, in a comment. */
const longRule = fc
  .tuple(
    fittingWords,
    fc.constantFrom(' ', ' fsname=', ' # ', '\t', ' keyrings=', ' #'),
    fc.integer({ min: -2, max: 2 }),
  )
  .map(([all, filler, beyond]) => {
    const start = all.join(' ') + filler;
    const unit = filler.trim() === '' ? filler : 'x';
    return start + unit.repeat(Math.max(0, WRITE_LIMIT + beyond - start.length));
  });

/** A line that holds no rule, which the kernel takes. */
const emptyLine = fc.constantFrom('', ' ', '\t \t', '#', '# measure', '  # why', '#measure');

/**
 * Lines near the edges of the grammar of IMA policies: no newline and no NUL in them, none begins with the `/` of a path.
 * Kernels accept about half of them.
 */
export const policyRule: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 50, arbitrary: spaced(fittingWords) },
    { weight: 25, arbitrary: spaced(spoiledWords) },
    { weight: 22, arbitrary: spaced(looseWords) },
    { weight: 1, arbitrary: longRule },
    { weight: 2, arbitrary: emptyLine },
  )
  .filter((rule) => !rule.trimStart().startsWith('/'));

/**
 * The same rules for the same seed, on every machine.
 * @param seed a 32-bit integer
 */
export function randomPolicyRules(seed: number, count: number): string[] {
  return fc.sample(policyRule, { seed, numRuns: count });
}
