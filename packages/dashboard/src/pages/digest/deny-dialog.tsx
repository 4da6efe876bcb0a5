import type { PolicyProposal, PolicyProposed, PolicySimulation } from '@assay/wire';
import { ROUTES, route } from '@assay/wire/routes';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { change } from '../../api/change.ts';
import { DialogForm, Field, textOf } from '../../parts/dialog-form.tsx';
import { ProblemText } from '../../parts/problem-text.tsx';
import { SimulationView } from '../../parts/simulation-view.tsx';
import { toast } from '../../state/toasts.ts';
import { policiesQuery, simulateCandidate } from '../policies/queries.ts';

interface DenyDialogProps {
  readonly digests: readonly string[];
  readonly onClose: () => void;
}

/** What would become of hosts, before anything is proposed. */
function Impact({ policy, digests }: { policy: string; digests: readonly string[] }) {
  const { mutate, isPending, error, data } = useMutation({
    mutationFn: (): Promise<PolicySimulation> =>
      simulateCandidate(policy, { deny: digests.map((digest) => ({ digest, reason: 'simulated' })) }),
  });
  return (
    <div className="space-y-3">
      <button type="button" className="button" disabled={isPending} onClick={() => mutate()}>
        {isPending ? 'Simulating' : 'Simulate'}
      </button>
      {error !== null && <ProblemText error={error} />}
      {data !== undefined && <SimulationView simulation={data} />}
    </div>
  );
}

/** Proposes a version of a policy that denies digests; somebody else activates it. */
export function DenyDialog({ digests, onClose }: DenyDialogProps) {
  const navigate = useNavigate();
  const { data } = useQuery(policiesQuery);
  const names = [...new Set(data?.policies.map(({ name }) => name))];
  const [chosen, setChosen] = useState<string>();
  const policy = chosen ?? names[0];
  const send = (fields: FormData): Promise<PolicyProposed> => {
    const reason = textOf(fields, 'reason');
    const body: PolicyProposal = { deny: digests.map((digest) => ({ digest, reason })) };
    const path = route(ROUTES.policyProposals, textOf(fields, 'policy'));
    return change<PolicyProposed>(path, 'assay.policy-proposal.v1', { body, touched: ['policies', 'audit'] });
  };
  const done = ({ policy: { name, version } }: PolicyProposed): void => {
    toast('good', `${name} version ${version} is proposed, and waits for activation.`);
    onClose();
    void navigate({ to: '/policies/$name', params: { name }, search: { version } });
  };
  return (
    <DialogForm
      title={digests.length === 1 ? 'Deny this digest?' : `Deny ${digests.length} digests?`}
      lead={
        <p>
          Proposes the next version of a policy, in which {digests.length === 1 ? 'it is' : 'they are'} denied, whoever
          signed the file and whatever is excluded. It is in force when somebody else activates it.
        </p>
      }
      action="Propose it"
      send={send}
      onDone={done}
      onClose={onClose}
    >
      {data !== undefined && names.length === 0 && <p>There is no policy yet, so there is none to deny it in.</p>}
      <Field label="Policy">
        <select
          name="policy"
          required
          value={policy ?? ''}
          onChange={(event) => setChosen(event.target.value)}
          className="field w-full"
        >
          {names.map((name) => (
            <option key={name} value={name}>
              {name} ({data?.hosts[name] ?? 0} hosts)
            </option>
          ))}
        </select>
      </Field>
      <Field label="Why" hint="Stands in the policy, and in the finding of each host that runs it.">
        <input name="reason" required maxLength={500} autoComplete="off" className="field w-full" />
      </Field>
      {policy !== undefined && <Impact key={policy} policy={policy} digests={digests} />}
    </DialogForm>
  );
}
