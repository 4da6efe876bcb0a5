// The address of a page holds its state: what each page reads from it goes through these, since anybody can write an address.

type Raw = Readonly<Record<string, unknown>>;

/** Longer texts in an address are nobody's search. */
const LONGEST = 500;

export function textParam(raw: Raw, name: string): string | undefined {
  const value = raw[name];
  return typeof value === 'string' && value !== '' && value.length <= LONGEST ? value : undefined;
}

export function choiceParam<Choice extends string>(
  raw: Raw,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  return choices.find((choice) => choice === raw[name]);
}

/** `a,b` or a list, in the order of the choices; undefined for none. */
export function choicesParam<Choice extends string>(
  raw: Raw,
  name: string,
  choices: readonly Choice[],
): readonly Choice[] | undefined {
  const value = raw[name];
  const wanted: readonly unknown[] = Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : [];
  const chosen = choices.filter((choice) => wanted.includes(choice));
  return chosen.length === 0 ? undefined : chosen;
}

/** A whole number from 1. */
export function numberParam(raw: Raw, name: string): number | undefined {
  const number = Number(raw[name]);
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

/** Over thirty years. */
const LONGEST_SECONDS = 1e9;

/** Seconds from 0, with parts of them. */
export function secondsParam(raw: Raw, name: string): number | undefined {
  const value = raw[name];
  const number = typeof value === 'number' ? value : Number.parseFloat(textParam(raw, name) ?? '');
  return number >= 0 && number <= LONGEST_SECONDS ? number : undefined;
}

/** `?a=1&b=x,y` as texts, without the quotes and escapes of JSON: addresses are read and sent by people. */
export function parseSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}

/** What is undefined, empty or no text stays out of the address. */
export function stringifySearch(search: Raw): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    const text = Array.isArray(value) ? value.join(',') : value;
    if (typeof text === 'string' && text !== '') params.set(name, text);
    if (typeof text === 'number' || typeof text === 'boolean') params.set(name, String(text));
  }
  const text = params.toString().replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%2F', '/');
  return text === '' ? '' : `?${text}`;
}
