const PLAIN = /^[\w@%+=:,./-]+$/;

/** What a terminal would obey or hide when it is pasted, be it within quotes. */
const NOT_PASTED = /[\p{C}\p{Zl}\p{Zp}]/u;

const escaped = (character: string): string => {
  const code = character.codePointAt(0) ?? 0;
  return code > 0xff_ff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
};

/** A word as a shell takes it for one and reads nothing in it; bash, zsh and ksh, where a character has to be written by its number. */
function shellWord(word: string): string {
  if (PLAIN.test(word)) return word;
  if (!NOT_PASTED.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  return `$'${Array.from(word, (each) => (/['\\]/.test(each) ? `\\${each}` : NOT_PASTED.test(each) ? escaped(each) : each)).join('')}'`;
}

/** An option's value: nothing where there is none, words after the option where there are many. */
type Value = string | number | boolean | readonly string[] | undefined;

function optionWords(name: string, value: Value): readonly string[] {
  if (value === undefined || value === false || value === '') return [];
  if (value === true) return [`--${name}`];
  if (typeof value === 'object') return value.length === 0 ? [] : [`--${name}`, ...value];
  // What begins with a hyphen would be read as another option.
  const text = String(value);
  return text.startsWith('-') ? [`--${name}=${text}`] : [`--${name}`, text];
}

/**
 * A command line of `assay` that can be run as it is: what comes from addresses and hosts stands in it as text.
 *
 * @param words such as `hosts get`, and the name of a host
 */
export function assayCommand(words: readonly string[], options: Readonly<Record<string, Value>> = {}): string {
  const [noun = '', verb = '', ...names] = words;
  const given = Object.entries(options).flatMap(([name, value]) => optionWords(name, value));
  const ends = names.some((name) => name.length > 1 && name.startsWith('-')) ? ['--', ...names] : [];
  const plain = ends.length > 0 ? [] : names;
  return ['assay', noun, verb, ...[...plain, ...given, ...ends].map(shellWord)].join(' ');
}

/** The address that the command asks by itself when it is given none. */
const USUAL = 'http://127.0.0.1:4620';

/** Commands that ask a verifier; others have no `--url`. */
const ASKING =
  /^assay (?:(?:alerts|audit|digest|enrolments|findings|fleet|hosts|policies) \S+|reference (?:activate|capture|push)|verifier (?:status|token \S+))(?= |$)/;

/** The command as it has to be typed for the verifier at this address, where it asks one. */
export const withAddress = (command: string, origin: string): string =>
  origin === USUAL ? command : command.replace(ASKING, (asking) => `${asking} --url ${origin}`);

/** The command with a text on its standard input. */
export function withInput(command: string, text: string): string {
  let end = 'END';
  while (text.split('\n').includes(end)) end += '_';
  return `${command} <<'${end}'\n${text}${text.endsWith('\n') ? '' : '\n'}${end}\n`;
}
