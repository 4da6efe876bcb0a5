import { chooseTheme, useTheme } from '../state/theme.ts';
import { Icon } from '../parts/icon.tsx';

export function ThemeToggle() {
  const theme = useTheme();
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <button
      type="button"
      onClick={() => chooseTheme(other)}
      title={`Switch to the ${other} theme`}
      className="rounded-full border border-line bg-surface p-2 text-muted transition-colors hover:text-ink"
    >
      <Icon name={other === 'dark' ? 'moon' : 'sun'} className="size-4.5" />
      <span className="sr-only">Switch to the {other} theme</span>
    </button>
  );
}
