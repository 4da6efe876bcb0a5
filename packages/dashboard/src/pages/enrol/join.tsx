import type { TokenReply, TokenRequest } from '@assay/wire';
import { ROUTES } from '@assay/wire/routes';
import { useMutation } from '@tanstack/react-query';
import type { SubmitEvent } from 'react';
import { change } from '../../api/change.ts';
import { Command } from '../../parts/command.tsx';
import { Field, textOf } from '../../parts/dialog-form.tsx';
import { FullValue } from '../../parts/digest.tsx';
import { ProblemText } from '../../parts/problem-text.tsx';
import { ClockTime } from '../../parts/time-text.tsx';

const DAY_SECONDS = 86_400;
const FILE = '/etc/assay/join-token';

function Made({ reply: { secret, token } }: { reply: TokenReply }) {
  return (
    <div data-tone="good" className="space-y-3 rounded-xl border border-tone-line bg-tone-soft p-4">
      <p className="font-semibold">The join token of {token.name}. It is shown here, and never again.</p>
      <FullValue value={secret} what="join token" />
      {token.expiresAt !== null && (
        <p className="text-sm text-muted">
          Good until <ClockTime at={token.expiresAt} />.
        </p>
      )}
    </div>
  );
}

/** Makes a token with which hosts enrol. */
export function JoinToken() {
  const { mutate, isPending, error, data } = useMutation({
    mutationFn: (body: TokenRequest) =>
      change<TokenReply>(ROUTES.tokens, 'assay.access-token.v1', { body, touched: ['audit'] }),
  });
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const lifetimeSeconds = Number(textOf(fields, 'days')) * DAY_SECONDS;
    mutate({ name: textOf(fields, 'name'), role: 'agent', lifetimeSeconds });
  };
  return (
    <div className="space-y-4">
      <form onSubmit={submit} className="flex flex-wrap items-end gap-3">
        <Field label="For whom" hint="The name that stands in the audit log.">
          <input
            name="name"
            required
            maxLength={64}
            pattern="[\w.@+\-]+"
            title="Letters, digits and . @ + - _"
            autoComplete="off"
            placeholder="rack-7"
            className="field w-56"
          />
        </Field>
        <Field label="Good for">
          <select name="days" defaultValue="1" className="field">
            <option value="1">a day</option>
            <option value="7">a week</option>
            <option value="30">a month</option>
          </select>
        </Field>
        <button type="submit" disabled={isPending} className="button-primary">
          Make a join token
        </button>
      </form>
      {error !== null && <ProblemText error={error} />}
      {data !== undefined && <Made reply={data} />}
    </div>
  );
}

/** What to run on each host. */
export function HostCommands() {
  return (
    <ol className="list-decimal space-y-3 ps-5">
      <li>
        <p>Put the join token into a file that root alone can read.</p>
        <Command text={`sudo install -D -m 600 /dev/stdin ${FILE}`} />
      </li>
      <li>
        <p>See what the host can do, and mend what it cannot.</p>
        <Command text="sudo assay doctor" />
      </li>
      <li>
        <p>Start the agent. The host appears here as soon as its TPM has proved that it holds its keys.</p>
        <Command text={`sudo assay agent run --verifier ${location.origin} --join-token-file ${FILE}`} />
      </li>
    </ol>
  );
}
