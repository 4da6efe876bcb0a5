import type { ReactNode } from 'react';
import { Icon, type IconName } from './icon.tsx';

interface EmptyProps {
  readonly icon: IconName;
  readonly title: string;
  /** What that means, and what to do so that something is here. */
  readonly children?: ReactNode;
}

/** There is nothing, which is an answer too. */
export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div className="card flex flex-col items-center gap-3 border-dashed px-6 py-12 text-center">
      <span
        data-tone="quiet"
        className="grid size-12 place-items-center rounded-full border border-tone-line bg-tone-soft"
      >
        <Icon name={icon} className="size-6 text-tone" />
      </span>
      <p className="font-display text-xl font-semibold tracking-tight">{title}</p>
      {children !== undefined && <div className="max-w-prose space-y-3 text-muted">{children}</div>}
    </div>
  );
}
