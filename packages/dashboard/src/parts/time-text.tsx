import { useNow } from '../state/now.ts';
import { absoluteWords, ageWords, shortWords, spanWords } from '../text/time.ts';

/** "12 s ago", ticking; the absolute time shows on hover and stands in the markup. */
export function Age({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={absoluteWords(at)} className="digits">
      {ageWords(now - Date.parse(at))}
    </time>
  );
}

/** "since 14:02 (58 min)". */
export function Since({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={absoluteWords(at)} className="digits">
      since {shortWords(at, now)} ({spanWords(now - Date.parse(at))})
    </time>
  );
}

export function ClockTime({ at }: { at: string }) {
  return (
    <time dateTime={at} title={absoluteWords(at)} className="digits">
      {absoluteWords(at).split(' (')[0]}
    </time>
  );
}
