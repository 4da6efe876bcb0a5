/** A step of a pattern: a character, `?`, `*` (both stop at a slash) or `**`. */
type Step = string | typeof ANY | typeof STAR | typeof STARS;

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
  const steps = stepsOf(pattern);
  return (name) => matches(steps, Array.from(name));
}

function stepsOf(pattern: string): Step[] {
  const pieces = pattern.match(/\*{2,}|[^]/gu) ?? [];
  return pieces.map((piece) => (piece === '?' ? ANY : piece === '*' ? STAR : piece.startsWith('**') ? STARS : piece));
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
  return wanted === ANY ? character !== '/' : wanted === character;
}
