/** A step of a pattern: a character, a set of them, `?`, `*` (all but the first stop at a slash) or `**`. */
type Step = string | CharacterTest | typeof ANY | typeof STAR | typeof STARS;
type CharacterTest = (character: string) => boolean;

const ANY = Symbol('?');
const STAR = Symbol('*');
const STARS = Symbol('**');

/**
 * A test for names: with `*`, `**` or `?` in it the pattern is one for whole names, else a path that names itself and all
 * below it. Takes no longer than pattern times name, whatever the two are.
 */
export function nameMatcher(pattern: string): (name: string) => boolean {
  if (!/[*?]/.test(pattern)) {
    const directory = pattern.endsWith('/') ? pattern : `${pattern}/`;
    return (name) => name === pattern || name.startsWith(directory);
  }
  const steps = stepsOf(pattern.match(/\*{2,}|[^]/gu));
  return (name) => matches(steps, Array.from(name));
}

/**
 * A pattern of a shell: as for `nameMatcher`, and `[a-z]` and `[!a-z]` stand for one character. One with a slash is
 * compared with the whole path, one without with the last name.
 */
export function globMatcher(pattern: string): (path: string) => boolean {
  const steps = stepsOf(pattern.match(/\*{2,}|\[!?[^\]]+\]|[^]/gu));
  const whole = pattern.includes('/');
  return (path) => matches(steps, Array.from(whole ? path : path.slice(path.lastIndexOf('/') + 1)));
}

function stepsOf(pieces: readonly string[] | null): Step[] {
  return (pieces ?? []).map((piece) => {
    if (piece === '?') return ANY;
    if (piece === '*') return STAR;
    if (piece.startsWith('**')) return STARS;
    return piece.length > 2 ? setOf(piece) : piece; // A character has at most two UTF-16 units.
  });
}

function setOf(piece: string): CharacterTest {
  const negated = piece.startsWith('[!');
  const ranges = Array.from(piece.slice(negated ? 2 : 1, -1).matchAll(/([^])-([^])|([^])/gu), (match) => {
    return { from: match[1] ?? match[3] ?? '', to: match[2] ?? match[3] ?? '' };
  });
  return (character) => {
    if (character === '/') return false;
    return ranges.some(({ from, to }) => character >= from && character <= to) !== negated;
  };
}

/** Where a star began, and how much of the name it has taken. */
interface Resume {
  readonly step: number;
  at: number;
}

/** Only the last star of each kind need ever take more: what stands before it has its earliest match already. */
function matches(steps: readonly Step[], name: readonly string[]): boolean {
  let [step, at] = [0, 0];
  let star: Resume | undefined;
  let stars: Resume | undefined;
  while (at < name.length || step < steps.length) {
    const wanted = steps[step];
    if (wanted === STAR) star = { step: ++step, at };
    else if (wanted === STARS) [star, stars] = [undefined, { step: ++step, at }];
    else if (takes(wanted, name[at])) [step, at] = [step + 1, at + 1];
    else {
      if (star !== undefined && (name[star.at] ?? '/') === '/') star = undefined;
      const resume = star ?? stars;
      if (resume === undefined || resume.at >= name.length) return false;
      [step, at] = [resume.step, ++resume.at];
    }
  }
  return true;
}

function takes(wanted: Step | undefined, character: string | undefined): boolean {
  if (wanted === undefined || character === undefined) return false;
  if (typeof wanted === 'function') return wanted(character);
  return wanted === ANY ? character !== '/' : wanted === character;
}
