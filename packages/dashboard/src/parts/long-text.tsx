import { useState } from 'react';

/** Longer texts begin with their first lines. */
const LONG = 320;

export const isLong = (text: string): boolean => text.length > LONG;

export function LongText({ text }: { text: string }) {
  const [all, setAll] = useState(false);
  if (!isLong(text)) return <bdi>{text}</bdi>;
  return (
    <>
      <bdi className={all ? '' : 'line-clamp-3'}>{text}</bdi>
      <button
        type="button"
        aria-expanded={all}
        onClick={() => setAll(!all)}
        className="mt-1 block rounded font-sans font-medium tracking-normal text-muted underline underline-offset-2 hover:text-ink"
      >
        {all ? 'Show less' : `Show all ${text.length} characters`}
      </button>
    </>
  );
}
