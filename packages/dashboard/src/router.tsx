import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { hostSearch } from './pages/host/search.ts';
import { hostsSearch } from './pages/hosts/search.ts';
import { NoPage } from './shell/no-page.tsx';
import { PageFailed } from './shell/page-failed.tsx';
import { Shell } from './shell/shell.tsx';
import { parseSearch, stringifySearch } from './state/search-params.ts';

const root = createRootRoute({ component: Shell, notFoundComponent: NoPage });

// Each page is a file of its own that is loaded when the page is opened.

const fleet = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/fleet/fleet-page.tsx'), 'FleetPage'),
  // Addresses of the time when there was one page.
  beforeLoad: ({ search }) => {
    const host = 'host' in search ? search['host'] : undefined;
    if (typeof host === 'string') throw redirect({ to: '/hosts/$host', params: { host }, replace: true });
  },
});

const hosts = createRoute({
  getParentRoute: () => root,
  path: '/hosts',
  validateSearch: hostsSearch,
  component: lazyRouteComponent(() => import('./pages/hosts/hosts-page.tsx'), 'HostsPage'),
});

const host = createRoute({
  getParentRoute: () => root,
  path: '/hosts/$host',
  validateSearch: hostSearch,
  component: lazyRouteComponent(() => import('./pages/host/host-page.tsx'), 'HostPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([fleet, hosts, host]),
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  defaultErrorComponent: PageFailed,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
