import { Link } from '@tanstack/react-router';
import { Command } from '../../parts/command.tsx';
import { Icon } from '../../parts/icon.tsx';

function Step({ title, command }: { title: string; command: string }) {
  return (
    <li className="space-y-2">
      <p className="font-medium">{title}</p>
      <Command text={command} />
    </li>
  );
}

export function EmptyFleet() {
  return (
    <section aria-labelledby="empty" className="card mx-auto mt-[6vh] max-w-2xl p-8 sm:p-12">
      <span
        data-tone="quiet"
        className="mb-6 grid size-16 place-items-center rounded-full border-2 border-dashed border-line-strong"
      >
        <Icon name="hourglass" className="size-7 text-tone" />
      </span>
      <h1 id="empty" className="font-display text-4xl font-semibold tracking-tight">
        No host yet
      </h1>
      <p className="mt-3 text-lg leading-relaxed text-muted">
        The verifier runs and waits. A host appears here as soon as it has enrolled the keys of its TPM; this page shows
        it by itself.
      </p>
      <ol className="mt-8 space-y-6">
        <Step title="See what this machine can prove" command="npx assay doctor" />
        <Step title="Measure and attest this machine" command="npx assay up" />
        <Step
          title="See it at work first, with simulated hosts to which things happen"
          command="npx assay demo fleet --hosts 40"
        />
      </ol>
      <p className="mt-8">
        <Link to="/enrol" className="underline underline-offset-4">
          Enrol other machines
        </Link>
      </p>
    </section>
  );
}
