import { hostAddress } from '../state/selected-host.ts';

export function UnknownHost({ name, known }: { name: string; known: readonly string[] }) {
  return (
    <section aria-labelledby="unknown" className="card p-8 sm:p-12">
      <h1 id="unknown" className="font-display text-3xl font-semibold tracking-tight">
        No host is called <bdi className="wrap-anywhere">{name}</bdi>
      </h1>
      <p className="mt-3 text-muted">It was never enrolled here, or was enrolled under another name. These are:</p>
      <ul className="mt-4 flex flex-wrap gap-x-5 gap-y-2">
        {known.map((other) => (
          <li key={other}>
            <a href={hostAddress(other)} className="font-medium underline underline-offset-4">
              <bdi>{other}</bdi>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
