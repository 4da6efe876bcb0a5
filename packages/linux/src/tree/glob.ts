/** One step of a pattern: what a character must be, and whether any number of them may stand there. */
interface Step {
  readonly fits: (character: string) => boolean;
  readonly repeats: boolean;
}

/**
 * A pattern of a shell: `*` and `?` stand for anything but a slash, `**` for anything, `[a-z]` and `[!a-z]` for one
 * character. A pattern with a slash is compared with the whole path, one without with the last name.
 *
 * Compared step by step in all places at once, so that no pattern takes long.
 */
export function globMatcher(pattern: string): (path: string) => boolean {
  const steps = parse(pattern);
  const whole = pattern.includes('/');
  return (path) => matches(steps, whole ? path : path.slice(path.lastIndexOf('/') + 1));
}

function parse(pattern: string): Step[] {
  const words = pattern.match(/\*\*|\[!?[^\]]+\]|[^]/gu) ?? [];
  return words.map(stepOf);
}

function stepOf(word: string): Step {
  if (word === '**') return { fits: () => true, repeats: true };
  if (word === '*') return { fits: (character) => character !== '/', repeats: true };
  if (word === '?') return { fits: (character) => character !== '/', repeats: false };
  if (word.length > 2 && word.startsWith('[')) return { fits: setOf(word), repeats: false };
  return { fits: (character) => character === word, repeats: false };
}

function setOf(word: string): Step['fits'] {
  const negated = word.startsWith('[!');
  const ranges = Array.from(word.slice(negated ? 2 : 1, -1).matchAll(/([^])-([^])|([^])/gu), (match) => {
    return { from: match[1] ?? match[3] ?? '', to: match[2] ?? match[3] ?? '' };
  });
  return (character) => {
    if (character === '/') return false;
    return ranges.some(({ from, to }) => character >= from && character <= to) !== negated;
  };
}

function matches(steps: readonly Step[], text: string): boolean {
  let places = reached(steps, new Set([0]));
  for (const character of text) {
    const next = new Set<number>();
    for (const place of places) {
      const step = steps[place];
      if (step?.fits(character)) next.add(step.repeats ? place : place + 1);
    }
    places = reached(steps, next);
  }
  return places.has(steps.length);
}

/** With the places after steps that may stand for nothing. */
function reached(steps: readonly Step[], places: Set<number>): Set<number> {
  for (const place of places) if (steps[place]?.repeats) places.add(place + 1); // A Set also visits what is added.
  return places;
}
