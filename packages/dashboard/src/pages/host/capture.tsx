import type { HostSummary } from '@assay/wire';
import { useState } from 'react';
import { useActs } from '../../api/who.ts';
import { forgetToken } from '../../state/operator-token.ts';
import { captureCommand } from '../../text/host.ts';
import { CaptureDialog } from './capture-dialog.tsx';
import { Command } from '../../parts/command.tsx';
import { Icon } from '../../parts/icon.tsx';

/** The button for who came with the operator's token; the command to run for everybody else. */
export function Capture({ host }: { host: HostSummary }) {
  const acts = useActs();
  const [open, setOpen] = useState(false);
  const [refused, setRefused] = useState(false);
  if (host.evidenceAt === null) return null;
  if (!acts) {
    return (
      <div className="min-w-0 sm:max-w-72">
        <p role={refused ? 'alert' : undefined} className="mb-2 text-sm text-muted">
          {refused && 'The token was refused. '}To make what ran so far the reference values:
        </p>
        <Command text={captureCommand(host.name)} />
      </div>
    );
  }
  const refuse = () => {
    setOpen(false);
    setRefused(true);
    forgetToken();
  };
  const primary = host.reference === null;
  return (
    <div className="shrink-0">
      <button
        type="button"
        onClick={() => setOpen(true)}
        className={`flex items-center gap-2 rounded-xl px-4 py-2.5 font-semibold transition-opacity hover:opacity-85 ${primary ? 'bg-ink text-paper' : 'border border-line-strong bg-surface'}`}
      >
        <Icon name="stamp" />
        Capture as reference values
      </button>
      {open && <CaptureDialog host={host} onClose={() => setOpen(false)} onRefused={refuse} />}
    </div>
  );
}
