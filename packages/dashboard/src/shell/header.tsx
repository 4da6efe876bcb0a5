import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { Icon } from '../parts/icon.tsx';
import { Modal } from '../parts/modal.tsx';
import { ConnectionMark } from './connection-mark.tsx';
import { Logo } from './logo.tsx';
import { Menu } from './menu.tsx';
import { openPalette } from '../state/overlay.ts';
import { ThemeToggle } from './theme-toggle.tsx';
import { TokenMark } from './token-mark.tsx';

export function Brand() {
  return (
    <Link to="/" className="flex items-center gap-2.5 rounded-lg">
      <Logo className="size-8" />
      <span className="font-display text-2xl font-semibold tracking-tight max-[26rem]:sr-only">Assay</span>
    </Link>
  );
}

/** The menu where there is no room for it at the side. */
function MenuButton() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)} className="round-button lg:hidden" title="Menu">
        <Icon name="menu" />
        <span className="sr-only">Menu</span>
      </button>
      {open && (
        <Modal label="Menu" onClose={() => setOpen(false)} className="max-w-72 p-4">
          {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions -- closes after the links inside were followed */}
          <div onClick={() => setOpen(false)}>
            <Menu />
          </div>
        </Modal>
      )}
    </>
  );
}

function SearchButton() {
  return (
    <button
      type="button"
      onClick={openPalette}
      className="flex items-center gap-2 rounded-full border border-line bg-surface p-2 text-sm text-muted hover:border-line-strong hover:text-ink sm:w-64 sm:py-1.5 sm:ps-3"
    >
      <Icon name="search" className="size-4.5" />
      <span className="max-sm:sr-only">Find anything</span>
      <kbd className="ms-auto rounded border border-line px-1.5 font-sans text-xs whitespace-nowrap max-sm:hidden">
        Ctrl K
      </kbd>
    </button>
  );
}

export function Header() {
  return (
    <header className="page-width flex items-center gap-2 py-3 sm:gap-3">
      <MenuButton />
      <div className="me-auto lg:hidden">
        <Brand />
      </div>
      <SearchButton />
      <div className="flex items-center gap-2 sm:gap-3 lg:ms-auto">
        <ConnectionMark />
        <TokenMark />
        <ThemeToggle />
      </div>
    </header>
  );
}
