import { Icon } from '../parts/icon.tsx';
import { useStore } from '../state/store.ts';
import { dismissToast, toasts } from '../state/toasts.ts';

export function ToastList() {
  const shown = useStore(toasts);
  return (
    <div
      role="status"
      aria-live="polite"
      className="pointer-events-none fixed inset-x-4 bottom-4 z-20 flex flex-col items-end gap-2"
    >
      {shown.map(({ id, tone, text }) => (
        <p
          key={id}
          data-tone={tone}
          className="rises pointer-events-auto flex max-w-md items-center gap-3 rounded-xl border border-tone-line bg-surface py-2.5 ps-4 pe-2 text-sm shadow-lg"
        >
          <Icon name={tone === 'bad' ? 'alert' : 'check'} className="size-4.5 text-tone" />
          <span className="min-w-0 flex-1 wrap-anywhere">{text}</span>
          <button type="button" onClick={() => dismissToast(id)} className="rounded-md p-1 text-muted hover:text-ink">
            <Icon name="cross" className="size-4" />
            <span className="sr-only">Dismiss</span>
          </button>
        </p>
      ))}
    </div>
  );
}
