import { useState } from 'react';

/** Longer texts begin with their first lines. */
const LONG = 320;

export const isLong = (text: string): boolean => text.length > LONG;

/** What of a text goes where one line of it is seen; a character of two halves is not cut through. */
export const firstOf = (text: string): string =>
  isLong(text) ? `${text.slice(0, LONG).replace(/[\ud800-\udbff]$/u, '')}…` : text;

/** A text with no more of it in the page than its beginning, until somebody asks for all. */
export function LongText({ text }: { text: string }) {
  const [all, setAll] = useState(false);
  if (!isLong(text)) return <bdi>{text}</bdi>;
  return (
    <>
      <bdi className={all ? '' : 'line-clamp-3'}>{all ? text : firstOf(text)}</bdi>
      <button
        type="button"
        aria-expanded={all}
        onClick={() => setAll(!all)}
        className="mt-1 block rounded font-sans text-sm font-medium tracking-normal text-muted underline underline-offset-2 hover:text-ink"
      >
        {all ? 'Show less' : `Show all ${text.length} characters`}
      </button>
    </>
  );
}
