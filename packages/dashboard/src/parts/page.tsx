import { type ReactNode, useEffect, useMemo } from 'react';
import { useActions } from '../state/actions.ts';
import { copyText } from '../state/clipboard.ts';
import { toast } from '../state/toasts.ts';
import { Icon } from './icon.tsx';

/** Names the tab, where it is seen when the page is not. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Assay`;
  }, [title]);
}

/** The address that the command asks by itself when it is given none. */
const USUAL = 'http://127.0.0.1:4620';

/** `assay …` as it has to be typed for the verifier of this page. */
const withAddress = (command: string): string =>
  location.origin === USUAL ? command : `${command} --url ${location.origin}`;

async function copyCommand(command: string): Promise<void> {
  const copied = await copyText(withAddress(command));
  toast(copied ? 'good' : 'bad', copied ? `Copied: ${withAddress(command)}` : 'The browser let nothing be copied.');
}

/** What the page shows, as a command that shows the same in a terminal. */
export function CopyAsCommand({ command }: { command: string }) {
  const actions = useMemo(
    () => [
      {
        id: 'copy-command',
        title: `Copy as ${command}`,
        group: 'This page',
        keys: 'c',
        run: () => void copyCommand(command),
      },
    ],
    [command],
  );
  useActions(actions);
  return (
    <button
      type="button"
      onClick={() => void copyCommand(command)}
      title={withAddress(command)}
      className="button-quiet"
    >
      <Icon name="terminal" className="size-4" />
      Copy as <code className="max-w-44 truncate font-mono text-xs">{command}</code>
    </button>
  );
}

interface PageProps {
  readonly title: string;
  /** What the page says at this moment, in a few words. */
  readonly lead?: ReactNode;
  readonly command: string;
  /** Buttons beside the command. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** The head of a page, and what is on it. */
export function Page({ title, lead, command, actions, children }: PageProps) {
  useTitle(title);
  return (
    <>
      <div className="mb-5 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          <h1 className="font-display text-3xl leading-tight font-semibold tracking-tight wrap-anywhere">{title}</h1>
          {lead !== undefined && <p className="digits mt-1 text-muted">{lead}</p>}
        </div>
        <div className="flex flex-wrap items-center gap-2">
          {actions}
          <CopyAsCommand command={command} />
        </div>
      </div>
      {children}
    </>
  );
}
