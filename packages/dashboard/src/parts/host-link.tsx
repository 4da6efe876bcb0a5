import { Link } from '@tanstack/react-router';
import { numberWords } from '../text/numbers.ts';

export function HostLink({ name }: { name: string }) {
  return (
    <Link to="/hosts/$host" params={{ host: name }} className="font-medium underline underline-offset-4">
      <bdi>{name}</bdi>
    </Link>
  );
}

const SHOWN = 5;

/** Some of them as links; how many there are besides is said. */
export function HostLinks({ names, all = names.length }: { names: readonly string[]; all?: number }) {
  const shown = names.slice(0, SHOWN);
  const more = all - shown.length;
  return (
    <span className="inline-flex flex-wrap gap-x-2">
      {shown.map((name) => (
        <HostLink key={name} name={name} />
      ))}
      {more > 0 && <span className="text-muted">and {numberWords(more)} more</span>}
    </span>
  );
}
