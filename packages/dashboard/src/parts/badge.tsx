import type { ReactNode } from 'react';
import type { Tone } from '../text/tone.ts';
import { Icon, type IconName } from './icon.tsx';

/** Icon and word in one hue. */
export function Badge({ tone, icon, children }: { tone: Tone; icon: IconName; children: ReactNode }) {
  return (
    <span
      data-tone={tone}
      className="inline-flex items-center gap-1 rounded-full bg-tone-soft py-0.5 ps-1.5 pe-2.5 text-xs font-semibold whitespace-nowrap text-tone"
    >
      <Icon name={icon} className="size-3.5 stroke-[2.6]" />
      {children}
    </span>
  );
}
