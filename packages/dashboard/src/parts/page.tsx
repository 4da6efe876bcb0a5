import { type ReactNode, useEffect, useMemo } from 'react';
import { useActions } from '../state/actions.ts';
import { copyText } from '../state/clipboard.ts';
import { toast } from '../state/toasts.ts';
import { withAddress, withInput } from '../text/shell.ts';
import { Icon } from './icon.tsx';

/** Names the tab, where it is seen when the page is not. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Assay`;
  }, [title]);
}

/** What of a command is shown where all of it would be too much. */
const LONGEST_SHOWN = 160;

const cut = (command: string): string =>
  command.length > LONGEST_SHOWN ? `${command.slice(0, LONGEST_SHOWN)}…` : command;

async function copyCommand(command: string, whole: string): Promise<void> {
  const copied = await copyText(whole);
  toast(copied ? 'good' : 'bad', copied ? `Copied: ${cut(command)}` : 'The browser let nothing be copied.');
}

interface CopyProps {
  readonly command: string;
  /** What the command reads; such a command asks no verifier. */
  readonly input?: string | undefined;
}

/** What the page shows, as a command that shows the same in a terminal. */
export function CopyAsCommand({ command, input }: CopyProps) {
  const typed = withAddress(command, location.origin);
  const actions = useMemo(() => {
    const whole = (): string => (input === undefined ? typed : withInput(typed, input));
    const run = () => void copyCommand(typed, whole());
    return [{ id: 'copy-command', title: `Copy as ${cut(command)}`, group: 'This page', keys: 'c', run }];
  }, [command, typed, input]);
  useActions(actions);
  return (
    <button type="button" onClick={actions[0]?.run} title={cut(typed)} className="button-quiet">
      <Icon name="terminal" className="size-4" />
      Copy as <code className="max-w-44 truncate font-mono text-xs">{cut(command)}</code>
    </button>
  );
}

interface PageProps extends CopyProps {
  readonly title: string;
  /** What the page says at this moment, in a few words. */
  readonly lead?: ReactNode;
  /** Buttons beside the command. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** The head of a page, and what is on it. */
export function Page({ title, lead, command, input, actions, children }: PageProps) {
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
          <CopyAsCommand command={command} input={input} />
        </div>
      </div>
      {children}
    </>
  );
}
