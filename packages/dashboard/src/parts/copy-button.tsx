import { useEffect, useState } from 'react';
import { copyText } from '../state/clipboard.ts';
import { Icon } from './icon.tsx';

const SHOWN_MS = 1600;

/** `what` completes the label: "Copy command", "Copy digest". */
export function CopyButton({ text, what, className = '' }: { text: string; what: string; className?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = window.setTimeout(() => setCopied(false), SHOWN_MS);
    return () => window.clearTimeout(timer);
  }, [copied]);
  const copy = () => void copyText(text).then(setCopied);
  return (
    <button
      type="button"
      onClick={copy}
      title={`Copy ${what}`}
      data-tone={copied ? 'good' : undefined}
      className={`inline-flex shrink-0 items-center gap-1 rounded-md p-1.5 text-xs font-medium transition-colors hover:bg-line/60 ${copied ? 'text-tone' : 'text-muted hover:text-ink'} ${className}`}
    >
      <Icon name={copied ? 'check' : 'copy'} className="size-4" />
      <span className={copied ? '' : 'sr-only'} aria-live="polite">
        {copied ? 'Copied' : `Copy ${what}`}
      </span>
    </button>
  );
}
