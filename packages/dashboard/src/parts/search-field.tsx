import { useMemo, useRef } from 'react';
import { useActions } from '../state/actions.ts';
import { Icon } from './icon.tsx';

interface SearchFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** The field that `/` leads to. */
export function SearchField({ label, value, onChange }: SearchFieldProps) {
  const field = useRef<HTMLInputElement>(null);
  const actions = useMemo(
    () => [{ id: 'search', title: label, group: 'This page', keys: '/', run: () => field.current?.focus() }],
    [label],
  );
  useActions(actions);
  return (
    <label className="relative min-w-0 flex-1 basis-64">
      <span className="sr-only">{label}</span>
      <Icon name="search" className="absolute start-2.5 top-1/2 size-4 -translate-y-1/2 text-muted" />
      <input
        ref={field}
        type="search"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        placeholder={label}
        className="field w-full ps-8"
      />
    </label>
  );
}
