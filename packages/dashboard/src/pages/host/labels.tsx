import type { HostDetail, LabelsReply, LabelsRequest } from '@assay/wire';
import { labelWords } from '@assay/wire/host-filter';
import { route, ROUTES } from '@assay/wire/routes';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { change } from '../../api/change.ts';
import { hostKey } from '../../api/queries.ts';
import { useActs } from '../../api/who.ts';
import { Command } from '../../parts/command.tsx';
import { DialogForm, Field, textOf } from '../../parts/dialog-form.tsx';
import { toast } from '../../state/toasts.ts';

type Labels = HostDetail['labels'];

/** Coarser than the verifier's own check, which has the last word. */
const ONE = '[a-z0-9._\\/\\-]+=[A-Za-z0-9._\\-]*';
const PATTERN = `\\s*(${ONE}(\\s+${ONE})*)?\\s*`;

/** What makes the labels those of a text: `null` for each that is there now and not in the text. */
function changesTo(before: Labels, text: string): LabelsRequest['labels'] {
  const wanted = text.split(/\s+/).filter((word) => word !== '');
  const gone = Object.keys(before).map((name) => [name, null] as const);
  const set = wanted.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] as const);
  return Object.fromEntries([...gone, ...set]);
}

function LabelsDialog({ host, onClose }: { host: HostDetail; onClose: () => void }) {
  const send = (fields: FormData): Promise<LabelsReply> =>
    change<LabelsReply>(route(ROUTES.labels, host.id), 'assay.host-labels.v1', {
      body: { labels: changesTo(host.labels, textOf(fields, 'labels')) },
      touched: [hostKey(host.name)[0], 'host-lines', 'audit'],
    });
  return (
    <DialogForm
      title={`Labels of ${host.name}`}
      lead={<p>By these people tell hosts apart, and the table of hosts is filtered. No verdict depends on them.</p>}
      action="Save"
      send={send}
      onDone={() => {
        toast('good', `The labels of ${host.name} are saved.`);
        onClose();
      }}
      onClose={onClose}
    >
      <Field label="Labels" hint="name=value, with spaces between them">
        <input
          name="labels"
          defaultValue={labelWords(host.labels).join(' ')}
          placeholder="role=web site=berlin"
          pattern={PATTERN}
          title="name=value, with spaces between them; names in small letters"
          autoComplete="off"
          spellCheck={false}
          className="field w-full font-mono text-sm"
        />
      </Field>
    </DialogForm>
  );
}

/** The labels of a host, each of which leads to the hosts that have it, and what changes them. */
export function Labels({ host }: { host: HostDetail }) {
  const acts = useActs();
  const [open, setOpen] = useState(false);
  return (
    <div className="flex flex-wrap items-center gap-1.5">
      {labelWords(host.labels).map((label) => (
        <Link
          key={label}
          to="/hosts"
          search={{ label }}
          className="rounded-full border border-line px-2 py-0.5 font-mono text-xs hover:border-line-strong"
        >
          {label}
        </Link>
      ))}
      {Object.keys(host.labels).length === 0 && <span className="text-muted">none</span>}
      {acts ? (
        <button type="button" onClick={() => setOpen(true)} className="text-sm underline underline-offset-4">
          Change labels
        </button>
      ) : (
        <Command text={`assay hosts label ${host.name} role=web`} />
      )}
      {open && <LabelsDialog host={host} onClose={() => setOpen(false)} />}
    </div>
  );
}
