import type { Enrolment, EnrolmentDocument } from '@assay/wire';
import { ROUTES, route } from '@assay/wire/routes';
import { useState } from 'react';
import { change } from '../../api/change.ts';
import { Badge } from '../../parts/badge.tsx';
import { DialogForm, Field, textOf } from '../../parts/dialog-form.tsx';
import { FullValue } from '../../parts/digest.tsx';
import { FactList } from '../../parts/fact-list.tsx';
import { HostLink } from '../../parts/host-link.tsx';
import { Age } from '../../parts/time-text.tsx';
import { toast } from '../../state/toasts.ts';
import { TPM_WORDS, TRUST_WORDS } from '../../text/host.ts';

const STATES = {
  pending: { tone: 'open', icon: 'hourglass', word: 'Waits' },
  approved: { tone: 'good', icon: 'check', word: 'Approved' },
  refused: { tone: 'bad', icon: 'cross', word: 'Refused' },
} as const;

type Decision = 'approve' | 'refuse';

const DECISIONS = {
  approve: {
    path: ROUTES.enrolmentApproval,
    word: 'Approve',
    lead: 'It becomes a host within a minute, when its agent asks again.',
    done: 'is approved; its agent comes by itself',
  },
  refuse: {
    path: ROUTES.enrolmentRefusal,
    word: 'Refuse',
    lead: 'It stays out until somebody approves it.',
    done: 'is refused',
  },
} as const;

interface DecideProps {
  readonly enrolment: Enrolment;
  readonly decision: Decision;
  readonly onClose: () => void;
}

function DecideDialog({ enrolment, decision, onClose }: DecideProps) {
  const { path, word, lead, done } = DECISIONS[decision];
  const send = (fields: FormData): Promise<EnrolmentDocument> => {
    const note = textOf(fields, 'note');
    const body = note === '' ? {} : { note };
    const touched = ['enrolments', 'host-lines', 'host', 'findings', 'audit'];
    return change<EnrolmentDocument>(route(path, enrolment.id), 'assay.enrolment.v1', { body, touched });
  };
  return (
    <DialogForm
      title={`${word} ${enrolment.name}?`}
      lead={
        <>
          {enrolment.reasons.map(({ code, sentence }) => (
            <p key={code}>
              <bdi>{sentence}</bdi>
            </p>
          ))}
          <p>{lead}</p>
        </>
      }
      action={word}
      send={send}
      onDone={() => {
        toast('good', `${enrolment.name} ${done}.`);
        onClose();
      }}
      onClose={onClose}
    >
      <FullValue value={enrolment.ekDigest} what="digest of the endorsement key" />
      <Field label="Note" hint="Stands in the audit log.">
        <input name="note" maxLength={500} autoComplete="off" className="field w-full" />
      </Field>
    </DialogForm>
  );
}

/** A machine that asks to be a host, why it waits, and what to compare before it is let in. */
export function EnrolmentCard({ enrolment }: { enrolment: Enrolment }) {
  const [decision, setDecision] = useState<Decision | null>(null);
  const { tone, icon, word } = STATES[enrolment.state];
  return (
    <li data-enrolment={enrolment.id} className="card space-y-3 p-5">
      <div className="flex flex-wrap items-center gap-3">
        <Badge tone={tone} icon={icon}>
          {word}
        </Badge>
        <h3 className="font-display text-xl font-semibold tracking-tight">
          <bdi>{enrolment.name}</bdi>
        </h3>
        <span className="text-sm text-muted">
          {enrolment.id}, asked <Age at={enrolment.askedAt} />
        </span>
        {enrolment.enrolledAt === null && (
          <span className="ms-auto flex gap-2">
            {enrolment.state !== 'refused' && (
              <button type="button" className="button" onClick={() => setDecision('refuse')}>
                Refuse
              </button>
            )}
            {enrolment.state !== 'approved' && (
              <button type="button" className="button-primary" onClick={() => setDecision('approve')}>
                Approve
              </button>
            )}
          </span>
        )}
      </div>
      {enrolment.reasons.map(({ code, sentence, host }) => (
        <p key={code} className="max-w-prose">
          <bdi>{sentence}</bdi> {host !== null && <HostLink name={host.name} />}
        </p>
      ))}
      <FactList
        facts={[
          ['Endorsement key', <FullValue key="ek" value={enrolment.ekDigest} what="digest of the endorsement key" />],
          ['Trust', TRUST_WORDS[enrolment.trust]],
          ['It says of itself', `${TPM_WORDS[enrolment.facts.tpmKind].title}, ${enrolment.facts.kernel}`],
          ...(enrolment.decidedBy === null
            ? []
            : [
                [
                  'Decided by',
                  <bdi key="by">{[enrolment.decidedBy, enrolment.note].filter(Boolean).join(': ')}</bdi>,
                ] as const,
              ]),
        ]}
      />
      {decision !== null && (
        <DecideDialog enrolment={enrolment} decision={decision} onClose={() => setDecision(null)} />
      )}
    </li>
  );
}
