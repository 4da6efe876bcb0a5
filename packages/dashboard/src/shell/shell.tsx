import { Outlet, useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { useConnection } from '../api/live.ts';
import { listenForKeys, useActions } from '../state/actions.ts';
import { useStore } from '../state/store.ts';
import { toggleTheme } from '../state/theme.ts';
import { ConnectionBanner } from './connection-banner.tsx';
import { Brand, Header } from './header.tsx';
import { Help } from './help.tsx';
import { Menu } from './menu.tsx';
import { PAGES } from './navigation.ts';
import { openHelp, openPalette, openToken, overlay } from '../state/overlay.ts';
import { Palette } from './palette.tsx';
import { ToastList } from './toast-list.tsx';
import { TokenDialog } from './token-dialog.tsx';

function useGlobalActions(): void {
  const navigate = useNavigate();
  const actions = useMemo(
    () => [
      ...PAGES.map(({ to, title, key }) => ({
        id: `go/${to}`,
        title,
        group: 'Go to',
        keys: `g ${key}`,
        run: () => void navigate({ to }),
      })),
      { id: 'find', title: 'Find a host, a page, an action', group: 'Anywhere', keys: 'Ctrl+K', run: openPalette },
      { id: 'help', title: 'Show all keys', group: 'Anywhere', keys: '?', run: openHelp },
      { id: 'theme', title: 'Switch between light and dark', group: 'Anywhere', keys: 't', run: toggleTheme },
      { id: 'token', title: 'Give or forget a token', group: 'Anywhere', run: openToken },
    ],
    [navigate],
  );
  useActions(actions);
  useEffect(listenForKeys, []);
}

function Overlay() {
  const shown = useStore(overlay);
  if (shown === 'palette') return <Palette />;
  if (shown === 'help') return <Help />;
  return shown === 'token' ? <TokenDialog /> : null;
}

/** What stands around every page. */
export function Shell() {
  useGlobalActions();
  const connection = useConnection();
  const old = 'since' in connection && connection.since !== null;
  return (
    <>
      <a href="#main" className="skip-link">
        Skip to the page
      </a>
      <ConnectionBanner />
      <div className="shell-grid flex-1">
        <aside aria-label="Menu" className="shell-side">
          <Brand />
          <Menu />
        </aside>
        <div className="flex min-w-0 flex-col">
          <Header />
          <main
            id="main"
            tabIndex={-1}
            data-old={old || undefined}
            className="page-width flex-1 pt-1 pb-12 outline-none transition-[filter] data-old:grayscale"
          >
            <Outlet />
          </main>
          <footer className="page-width border-t border-line py-5 text-sm text-muted">
            Assay shows which files ran and what the TPM vouches for. It does not show what a running program does.
          </footer>
        </div>
      </div>
      <Overlay />
      <ToastList />
    </>
  );
}
