import type { Finding, FindingAcknowledgement, FindingApproval, FindingDocument } from '@assay/wire';
import { ROUTES, route } from '@assay/wire/routes';
import { useNavigate } from '@tanstack/react-router';
import { change } from '../../api/change.ts';
import { DialogForm, Field, textOf } from '../../parts/dialog-form.tsx';
import { toast } from '../../state/toasts.ts';
import { countWords } from '../../text/numbers.ts';

interface DialogProps {
  readonly finding: Finding;
  readonly onClose: () => void;
}

const TOUCHED = ['findings', 'host', 'alerts', 'audit'];
const DAY_MS = 86_400_000;
const SPANS = [
  ['1', 'a day'],
  ['7', 'a week'],
  ['30', 'a month'],
  ['90', 'three months'],
] as const;

function ReasonField({ placeholder }: { placeholder: string }) {
  return (
    <Field label="Why" hint="One line; it stands in the audit log.">
      <input
        name="reason"
        required
        maxLength={500}
        autoComplete="off"
        placeholder={placeholder}
        className="field w-full"
      />
    </Field>
  );
}

export function AcknowledgeDialog({ finding, onClose }: DialogProps) {
  const send = (fields: FormData): Promise<FindingDocument> => {
    const until = new Date(Date.now() + Number(textOf(fields, 'days')) * DAY_MS).toISOString();
    const body: FindingAcknowledgement = {
      reason: textOf(fields, 'reason'),
      until,
      everywhere: fields.get('everywhere') === 'on',
    };
    const path = route(ROUTES.findingAcknowledgement, finding.id);
    return change<FindingDocument>(path, 'assay.finding.v1', { body, touched: TOUCHED });
  };
  return (
    <DialogForm
      title="Acknowledge"
      lead={<p>It stays open and counts. It alerts nobody again until then, unless it gets worse.</p>}
      action="Acknowledge"
      send={send}
      onDone={() => {
        toast('good', `${finding.id} is acknowledged.`);
        onClose();
      }}
      onClose={onClose}
    >
      <ReasonField placeholder="Ticket 4711: the vendor’s new agent" />
      <Field label="For">
        <select name="days" defaultValue="7" className="field w-full">
          {SPANS.map(([days, words]) => (
            <option key={days} value={days}>
              {words}
            </option>
          ))}
        </select>
      </Field>
      {finding.blastRadius.hosts > 1 && (
        <label className="flex items-center gap-2 text-sm">
          <input type="checkbox" name="everywhere" defaultChecked />
          On all {finding.blastRadius.hosts} hosts that have it
        </label>
      )}
    </DialogForm>
  );
}

export function ResolveDialog({ finding, onClose }: DialogProps) {
  const send = (fields: FormData): Promise<FindingDocument> =>
    change<FindingDocument>(route(ROUTES.findingResolution, finding.id), 'assay.finding.v1', {
      body: { reason: textOf(fields, 'reason') },
      touched: TOUCHED,
    });
  return (
    <DialogForm
      title="Resolve"
      lead={<p>Ends a finding that the evidence shows no more. While the evidence shows it, the verifier refuses.</p>}
      action="Resolve"
      send={send}
      onDone={() => {
        toast('good', `${finding.id} is resolved.`);
        onClose();
      }}
      onClose={onClose}
    >
      <ReasonField placeholder="The disk was replaced" />
    </DialogForm>
  );
}

/** A proposal changes nothing by itself: it leads to the page of the version, where somebody else activates it. */
export function ApproveDialog({ finding, onClose }: DialogProps) {
  const navigate = useNavigate();
  const send = (): Promise<FindingApproval> =>
    change<FindingApproval>(route(ROUTES.findingApproval, finding.id), 'assay.finding-approval.v1', {
      touched: ['policies', 'policy', 'audit'],
    });
  const done = ({ policy: { name, version } }: FindingApproval): void => {
    toast('good', `${name} version ${version} is proposed, and waits for activation.`);
    onClose();
    void navigate({ to: '/policies/$name', params: { name }, search: { version } });
  };
  return (
    <DialogForm
      title="Approve into a new version?"
      lead={
        <>
          <p>
            Proposes the next version of the policy of {finding.host.name}, in which this digest is good, and shows what
            that would change on {countWords(finding.blastRadius.hosts, 'host', 'hosts')} and all others of the policy.
          </p>
          <p>Nothing is in force before somebody else activates it.</p>
        </>
      }
      action="Propose it"
      send={send}
      onDone={done}
      onClose={onClose}
    />
  );
}
