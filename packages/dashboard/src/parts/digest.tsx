import { CopyButton } from './copy-button.tsx';
import { LongText } from './long-text.tsx';

const SHORT = 12;

/** `sha256:0011aa…`: the first digits, all of them on hover and by the copy button. */
export function ShortDigest({ digest }: { digest: string }) {
  const [algorithm = '', hex = ''] = digest.split(':');
  return (
    <code title={digest} className="font-mono text-[0.8rem] whitespace-nowrap text-muted">
      {algorithm}:<span className="text-ink">{hex.slice(0, SHORT)}</span>…
    </code>
  );
}

export function FullValue({ value, what }: { value: string; what: string }) {
  return (
    <span className="flex items-start gap-1">
      <code className="min-w-0 flex-1 font-mono text-[0.75rem] leading-relaxed tracking-tight wrap-anywhere">
        <LongText text={value} />
      </code>
      <CopyButton text={value} what={what} className="-my-1" />
    </span>
  );
}
