import type { PolicyActivation, PolicyReply, PolicyVersion } from '@assay/wire';
import { ROUTES, route } from '@assay/wire/routes';
import { change } from '../../api/change.ts';
import { useWho } from '../../api/who.ts';
import { DialogForm, Field, textOf } from '../../parts/dialog-form.tsx';
import { toast } from '../../state/toasts.ts';
import { countWords } from '../../text/numbers.ts';

interface ActivateDialogProps {
  readonly version: PolicyVersion;
  /** Hosts that the policy is for already. */
  readonly hosts: number;
  readonly onClose: () => void;
}

function hostsIn(fields: FormData): PolicyActivation['hosts'] {
  if (textOf(fields, 'which') === 'all') return 'all';
  return textOf(fields, 'names')
    .split(/[\s,]+/u)
    .filter((name) => name !== '');
}

/** Two people decide what is good; who set the verifier up may be both. */
function PushedBy({ name }: { name: string }) {
  const principal = useWho()?.principal ?? null;
  if (principal?.name !== name) {
    return (
      <p>
        <bdi>{name}</bdi> pushed it.
      </p>
    );
  }
  return (
    <p data-tone="caution" className="text-tone">
      {principal.role === 'admin'
        ? 'You pushed it. As an admin you may activate it all the same; two people see more.'
        : 'You pushed it, so somebody else has to activate it: send them the address of this page.'}
    </p>
  );
}

/** Brings a version into force; all boots are judged again by it. */
export function ActivateDialog({ version: { name, version, pushedBy }, hosts, onClose }: ActivateDialogProps) {
  const send = (fields: FormData): Promise<PolicyReply> => {
    const body: PolicyActivation = { version, hosts: hostsIn(fields) ?? [] };
    const path = route(ROUTES.policyActivation, name);
    return change<PolicyReply>(path, 'assay.policy.v1', { body, touched: ['policies', 'policy', 'findings', 'audit'] });
  };
  return (
    <DialogForm
      title={`Activate ${name} version ${version}?`}
      lead={
        <>
          <p>Every boot of its hosts is judged again by it.</p>
          <PushedBy name={pushedBy} />
        </>
      }
      action="Activate"
      send={send}
      onDone={() => {
        toast('good', `${name} version ${version} is in force.`);
        onClose();
      }}
      onClose={onClose}
    >
      <fieldset className="space-y-2 text-sm">
        <legend className="font-semibold">For</legend>
        <label className="flex items-center gap-2">
          <input type="radio" name="which" value="some" defaultChecked />
          {hosts === 0 ? 'the hosts named below' : `the ${countWords(hosts, 'host', 'hosts')} that it is for already`}
        </label>
        <label className="flex items-center gap-2">
          <input type="radio" name="which" value="all" />
          all hosts of the fleet
        </label>
      </fieldset>
      <Field label="And these hosts" hint="Names with blanks or commas between them. A host has one policy.">
        <input name="names" autoComplete="off" className="field w-full" placeholder="web-01, web-02" />
      </Field>
    </DialogForm>
  );
}
