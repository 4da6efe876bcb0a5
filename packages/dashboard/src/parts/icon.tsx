import type { ReactNode } from 'react';

/** Strokes on a grid of 24 by 24. */
const SHAPES = {
  check: <path d="m5 12.8 4.7 4.7L19.3 7" />,
  cross: <path d="m6.5 6.5 11 11m0-11-11 11" />,
  alert: <path d="M12 5.5v8.5m0 4.3v.2" />,
  clock: <path d="M12 4.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15Zm0 3.6V12l2.8 2" />,
  question: <path d="M8.7 9.2a3.3 3.3 0 1 1 5.2 2.7c-1.2.8-1.9 1.5-1.9 2.9m0 3.4v.2" />,
  hourglass: (
    <path d="M7 4.5h10M7 19.5h10M8.3 4.5c0 4 3.7 5 3.7 7.5s-3.7 3.5-3.7 7.5m7.4-15c0 4-3.7 5-3.7 7.5s3.7 3.5 3.7 7.5" />
  ),
  dots: <path d="M6.5 12h.1m5.4 0h.1m5.3 0h.1" />,
  bolt: <path d="M12.8 4 7 13.2h4.6L11 20l6-9.4h-4.8Z" />,
  cog: (
    <path d="M12 8.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8Zm0-4.1v2m0 11v2M4.5 12h2m11 0h2M6.7 6.7l1.4 1.4m7.8 7.8 1.4 1.4m0-10.6-1.4 1.4m-7.8 7.8-1.4 1.4" />
  ),
  copy: <path d="M9.5 9.5h9.5v9.5H9.5Zm5-4.5H5v9.5" />,
  chevron: <path d="m8 10 4 4 4-4" />,
  search: <path d="M10.8 5.3a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Zm4 9.5 4 4" />,
  sun: (
    <path d="M12 8.3a3.7 3.7 0 1 0 0 7.4 3.7 3.7 0 0 0 0-7.4ZM12 3v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4m0-12.8L17 7M7 17l-1.4 1.4" />
  ),
  moon: <path d="M19 14.2A7.6 7.6 0 0 1 9.8 5a7.6 7.6 0 1 0 9.2 9.2Z" />,
  stamp: (
    <path d="M5 19.5h14M7 16.5h10v-2.3c0-1-.8-1.7-1.7-1.7h-1.5c.3-2.3 1.4-3 1.4-4.9a3.2 3.2 0 0 0-6.4 0c0 1.9 1.1 2.6 1.4 4.9H8.7c-.9 0-1.7.8-1.7 1.7Z" />
  ),
  fleet: <path d="M5 5h5.5v5.5H5zm8.5 0H19v5.5h-5.5zM5 13.5h5.5V19H5zm8.5 0H19V19h-5.5z" />,
  hosts: <path d="M5 5h14v5.5H5zm0 8.5h14V19H5zm3-5.7h.1m-.1 8.5h.1" />,
  list: <path d="M9.5 6.5H19M9.5 12H19m-9.5 5.5H19M5.2 6.5h.1m-.1 5.5h.1m-.1 5.5h.1" />,
  flag: <path d="M6.5 20V4.5m0 .5c4-2 7 2 11 0v8.5c-4 2-7-2-11 0" />,
  scroll: <path d="M7 4.5h8.5L19 8v11.5H7zm8.5 0V8H19m-9 4.5h6m-6 3.5h6" />,
  plus: <path d="M12 5.5v13M5.5 12h13" />,
  bell: <path d="M6.5 16.5V11a5.5 5.5 0 0 1 11 0v5.5l1.5 1H5zm4 3.5h3" />,
  book: <path d="M12 7c-2-1.6-4.5-2-7-2v12.5c2.5 0 5 .4 7 2 2-1.6 4.5-2 7-2V5c-2.5 0-5 .4-7 2Zm0 0v12.5" />,
  pulse: <path d="M3.5 12.5h4l2.5-7 4 13 2.5-6h4" />,
  menu: <path d="M5 7h14M5 12h14M5 17h14" />,
  key: <path d="M8.5 11.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7Zm2.5 1 7.5-7.5m-3 3 2.5 2.5" />,
  terminal: <path d="m5.5 7.5 4.5 4.5-4.5 4.5m7 1H19" />,
  download: <path d="M12 4.5v10m-4-4 4 4 4-4M5 19.5h14" />,
  up: <path d="m7.5 13.5 4.5-4.5 4.5 4.5" />,
  down: <path d="m7.5 10.5 4.5 4.5 4.5-4.5" />,
  arrow: <path d="M5 12h13.5m-5-5 5 5-5 5" />,
} as const satisfies Record<string, ReactNode>;

export type IconName = keyof typeof SHAPES;

/** Decoration only: a word that says the same stands beside each icon. */
export function Icon({ name, className = 'size-5' }: { name: IconName; className?: string }) {
  return (
    <svg
      aria-hidden="true"
      className={`shrink-0 ${className}`}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      {SHAPES[name]}
    </svg>
  );
}
