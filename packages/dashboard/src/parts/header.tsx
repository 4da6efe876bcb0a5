import { ConnectionMark } from './connection-mark.tsx';
import { Logo } from './logo.tsx';
import { ThemeToggle } from './theme-toggle.tsx';

export function Header() {
  return (
    <header className="page-width flex items-center gap-3 py-5">
      <a href="/" className="flex items-center gap-3 rounded-lg">
        <Logo className="size-8" />
        <span className="font-display text-2xl font-semibold tracking-tight">Assay</span>
      </a>
      <div className="ms-auto flex items-center gap-4">
        <ConnectionMark />
        <ThemeToggle />
      </div>
    </header>
  );
}
