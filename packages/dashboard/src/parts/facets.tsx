import type { Tone } from '../text/tone.ts';
import { numberWords } from '../text/numbers.ts';
import { Icon, type IconName } from './icon.tsx';

export interface Facet<Id extends string> {
  readonly id: Id;
  readonly title: string;
  readonly count: number;
  readonly tone: Tone;
  readonly icon: IconName;
}

interface FacetsProps<Id extends string> {
  /** Names the group for those who do not see it. */
  readonly label: string;
  readonly facets: readonly Facet<Id>[];
  readonly chosen: readonly Id[];
  readonly onChoose: (chosen: readonly Id[]) => void;
}

/** Buttons that each let some rows through; none pressed means all. One that nothing has is not offered. */
export function Facets<Id extends string>({ label, facets, chosen, onChoose }: FacetsProps<Id>) {
  const shown = facets.filter(({ id, count }) => count > 0 || chosen.includes(id));
  return (
    <div role="group" aria-label={label} className="flex flex-wrap gap-1.5">
      {shown.map(({ id, title, count, tone, icon }) => {
        const on = chosen.includes(id);
        const others = chosen.filter((other) => other !== id);
        return (
          <button
            key={id}
            type="button"
            aria-pressed={on}
            data-tone={tone}
            onClick={() => onChoose(on ? others : [...others, id])}
            className={`flex items-center gap-1.5 rounded-full border px-2.5 py-1 text-xs font-medium ${on ? 'border-tone-solid bg-tone-soft text-tone' : 'border-line bg-surface text-muted hover:border-line-strong'}`}
          >
            <Icon name={icon} className="size-3.5 stroke-[2.6] text-tone" />
            {title}
            <span className="digits">{numberWords(count)}</span>
          </button>
        );
      })}
    </div>
  );
}
