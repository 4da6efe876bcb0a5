import { Icon } from '../parts/icon.tsx';
import { useOperatorToken } from '../state/operator-token.ts';
import { openToken } from '../state/overlay.ts';

/** Whether this tab may do more than read. */
export function TokenMark() {
  const token = useOperatorToken();
  const words = token === null ? 'Read only' : 'With token';
  return (
    <button
      type="button"
      onClick={openToken}
      title={
        token === null ? 'Give a token, to do more than read' : 'This tab sends a token; forget it or give another'
      }
      className="flex items-center gap-1.5 rounded-full border border-line bg-surface px-2 py-2 text-sm text-muted hover:text-ink sm:py-1.5 sm:pe-3"
    >
      <Icon name="key" className="size-4.5" />
      <span className="max-sm:sr-only">{words}</span>
    </button>
  );
}
