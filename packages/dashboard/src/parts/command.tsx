import { CopyButton } from './copy-button.tsx';
import { withAddress } from '../text/shell.ts';
import { isLong, LongText } from './long-text.tsx';

/** Lines break between words only: a break at a hyphen would read as part of the option. */
function word(text: string, index: number) {
  return (
    <span key={index} className="inline-block max-w-full whitespace-pre-wrap">
      {text}{' '}
    </span>
  );
}

/** A command to run, with a button that copies it. One that asks a verifier asks that of this page. */
export function Command({ text: command }: { text: string }) {
  const text = withAddress(command, location.origin);
  return (
    <div className="flex max-w-full items-start gap-2 rounded-lg border border-line bg-sunken py-1 ps-3 pe-1 font-mono text-[0.8rem]">
      <span aria-hidden="true" className="py-1 text-muted select-none">
        $
      </span>
      <code className="min-w-0 flex-1 py-1 wrap-anywhere">
        {isLong(text) ? <LongText text={text} /> : text.split(' ').map(word)}
      </code>
      <CopyButton text={text} what="command" />
    </div>
  );
}
