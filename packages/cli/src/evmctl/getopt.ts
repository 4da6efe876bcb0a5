/** An option as getopt_long knows it. `short` is its letter; several long names may share a key. */
export interface OptionRule<Key extends string> {
  readonly key: Key;
  readonly long?: string;
  readonly short?: string;
  readonly argument: 'none' | 'required' | 'optional';
}

export type Found<Key extends string> =
  | { readonly kind: 'option'; readonly key: Key; readonly value: string | undefined }
  | { readonly kind: 'operand'; readonly word: string }
  | { readonly kind: 'wrong'; readonly message: string };

/**
 * The words of a command line one by one, as getopt_long of the GNU C library reads them: options anywhere, long ones
 * abbreviated as far as they stay unique, optional values only attached, and everything behind `--` an operand.
 */
export function* getopt<Key extends string>(
  words: readonly string[],
  rules: readonly OptionRule<Key>[],
): Generator<Found<Key>> {
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') break;
    if (word.startsWith('--')) yield longOption(word.slice(2), rest, rules);
    else if (word.startsWith('-') && word !== '-') yield* shortOptions(word.slice(1), rest, rules);
    else yield { kind: 'operand', word };
  }
  for (const word of rest) yield { kind: 'operand', word };
}

function longOption<Key extends string>(text: string, rest: string[], rules: readonly OptionRule<Key>[]): Found<Key> {
  const [, name = '', attached] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  const named = rules.filter(({ long }) => long?.startsWith(name));
  const exact = named.find(({ long }) => long === name);
  const [rule = exact, ...others] = exact === undefined ? named : [exact];
  if (rule === undefined) return wrong(`unrecognized option '--${name}'`);
  if (others.length > 0) {
    const possibilities = named.map(({ long }) => ` '--${long}'`).join('');
    return wrong(`option '--${name}' is ambiguous; possibilities:${possibilities}`);
  }
  if (rule.argument === 'none' && attached !== undefined)
    return wrong(`option '--${rule.long}' doesn't allow an argument`);
  const value = rule.argument === 'required' ? (attached ?? rest.shift()) : attached;
  if (rule.argument === 'required' && value === undefined) return wrong(`option '--${rule.long}' requires an argument`);
  return { kind: 'option', key: rule.key, value };
}

function* shortOptions<Key extends string>(
  letters: string,
  rest: string[],
  rules: readonly OptionRule<Key>[],
): Generator<Found<Key>> {
  for (let index = 0; index < letters.length; index++) {
    const letter = letters.charAt(index);
    const rule = rules.find(({ short }) => short === letter);
    if (rule === undefined) {
      yield wrong(`invalid option -- '${letter}'`);
      continue;
    }
    const attached = letters.slice(index + 1) || undefined;
    const value = rule.argument === 'required' ? (attached ?? rest.shift()) : attached;
    if (rule.argument === 'none') yield { kind: 'option', key: rule.key, value: undefined };
    else if (rule.argument === 'required' && value === undefined) {
      yield wrong(`option requires an argument -- '${letter}'`);
    } else yield { kind: 'option', key: rule.key, value };
    if (rule.argument !== 'none') return;
  }
}

function wrong(message: string): { kind: 'wrong'; message: string } {
  return { kind: 'wrong', message };
}
