import { useTokenRefused, useWho } from '../api/who.ts';
import { Icon } from '../parts/icon.tsx';
import { useOperatorToken } from '../state/operator-token.ts';
import { openToken } from '../state/overlay.ts';

const READS = { words: 'Read only', title: 'Act as somebody, to do more than read' };
const TOKEN = { words: 'With token', title: 'This tab sends a token; forget it or give another' };

const REFUSED = { words: 'Token not valid', title: 'The verifier does not take the token of this tab; give another' };

/** As whom this tab acts. */
export function TokenMark() {
  const token = useOperatorToken();
  const who = useWho();
  const refused = useTokenRefused();
  const { words, title } = token === null ? READS : refused ? REFUSED : TOKEN;
  const principal = who?.principal;
  return (
    <button
      type="button"
      onClick={openToken}
      title={principal ? `${principal.name}, ${principal.role}` : title}
      data-tone={refused ? 'bad' : undefined}
      className="flex max-w-56 min-w-0 items-center gap-1.5 rounded-full border border-line bg-surface px-2 py-2 text-sm text-muted hover:text-ink data-tone:text-tone sm:py-1.5 sm:pe-3"
    >
      <Icon name="key" className="size-4.5 shrink-0" />
      <span className="truncate max-sm:sr-only">{principal?.name ?? (who?.signIn ? 'Sign in' : words)}</span>
    </button>
  );
}
