import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { alertsSearch } from './pages/alerts/search.ts';
import { auditSearch } from './pages/audit/search.ts';
import { digestsSearch } from './pages/digest/search.ts';
import { enrolSearch } from './pages/enrol/search.ts';
import { findingsSearch } from './pages/findings/search.ts';
import { imaPolicySearch } from './pages/ima-policy/search.ts';
import { measurementsSearch } from './pages/measurements/search.ts';
import { policySearch } from './pages/policy/search.ts';
import { hostSearch } from './pages/host/search.ts';
import { hostsSearch } from './pages/hosts/search.ts';
import { NoPage } from './shell/no-page.tsx';
import { PageFailed } from './shell/page-failed.tsx';
import { Shell } from './shell/shell.tsx';
import { parseSearch, stringifySearch } from './state/search-params.ts';

const root = createRootRoute({ component: Shell, notFoundComponent: NoPage });

// Each page is a file of its own that is loaded when the page is opened.

/**
 * The router reloads the document when a browser says that a module is missing. While the verifier cannot be reached this
 * would leave the browser's own error page: `PageFailed` is to tell it instead.
 */
function file<Module>(load: () => Promise<Module>): () => Promise<Module> {
  return () =>
    load().catch((cause: unknown) => {
      throw new Error('The file of this page could not be loaded.', { cause });
    });
}

const fleet = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(
    file(() => import('./pages/fleet/fleet-page.tsx')),
    'FleetPage',
  ),
  // Addresses of the time when there was one page.
  beforeLoad: ({ search }) => {
    const host = 'host' in search ? search['host'] : undefined;
    if (typeof host === 'string') redirect({ to: '/hosts/$host', params: { host }, replace: true, throw: true });
  },
});

const hosts = createRoute({
  getParentRoute: () => root,
  path: '/hosts',
  validateSearch: hostsSearch,
  component: lazyRouteComponent(
    file(() => import('./pages/hosts/hosts-page.tsx')),
    'HostsPage',
  ),
});

const host = createRoute({
  getParentRoute: () => root,
  path: '/hosts/$host',
  validateSearch: hostSearch,
  component: lazyRouteComponent(
    file(() => import('./pages/host/host-page.tsx')),
    'HostPage',
  ),
});

const findings = createRoute({
  getParentRoute: () => root,
  path: '/findings',
  validateSearch: findingsSearch,
  component: lazyRouteComponent(
    file(() => import('./pages/findings/findings-page.tsx')),
    'FindingsPage',
  ),
});

const finding = createRoute({
  getParentRoute: () => root,
  path: '/findings/$id',
  component: lazyRouteComponent(
    file(() => import('./pages/finding/finding-page.tsx')),
    'FindingPage',
  ),
});

const policies = createRoute({
  getParentRoute: () => root,
  path: '/policies',
  component: lazyRouteComponent(
    file(() => import('./pages/policies/policies-page.tsx')),
    'PoliciesPage',
  ),
});

const policy = createRoute({
  getParentRoute: () => root,
  path: '/policies/$name',
  validateSearch: policySearch,
  component: lazyRouteComponent(
    file(() => import('./pages/policy/policy-page.tsx')),
    'PolicyPage',
  ),
});

const policyEdit = createRoute({
  getParentRoute: () => root,
  path: '/policies/$name/edit',
  validateSearch: policySearch,
  component: lazyRouteComponent(
    file(() => import('./pages/policy/edit-page.tsx')),
    'PolicyEditPage',
  ),
});

const imaPolicy = createRoute({
  getParentRoute: () => root,
  path: '/ima-policy',
  validateSearch: imaPolicySearch,
  component: lazyRouteComponent(
    file(() => import('./pages/ima-policy/ima-policy-page.tsx')),
    'ImaPolicyPage',
  ),
});

const measurements = createRoute({
  getParentRoute: () => root,
  path: '/measurements',
  validateSearch: measurementsSearch,
  component: lazyRouteComponent(
    file(() => import('./pages/measurements/measurements-page.tsx')),
    'MeasurementsPage',
  ),
});

const digests = createRoute({
  getParentRoute: () => root,
  path: '/digests',
  validateSearch: digestsSearch,
  component: lazyRouteComponent(
    file(() => import('./pages/digest/digests-page.tsx')),
    'DigestsPage',
  ),
});

const digest = createRoute({
  getParentRoute: () => root,
  path: '/digests/$digest',
  component: lazyRouteComponent(
    file(() => import('./pages/digest/digest-page.tsx')),
    'DigestPage',
  ),
});

const alerts = createRoute({
  getParentRoute: () => root,
  path: '/alerts',
  validateSearch: alertsSearch,
  component: lazyRouteComponent(
    file(() => import('./pages/alerts/alerts-page.tsx')),
    'AlertsPage',
  ),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: auditSearch,
  component: lazyRouteComponent(
    file(() => import('./pages/audit/audit-page.tsx')),
    'AuditPage',
  ),
});

const enrol = createRoute({
  getParentRoute: () => root,
  path: '/enrol',
  validateSearch: enrolSearch,
  component: lazyRouteComponent(
    file(() => import('./pages/enrol/enrol-page.tsx')),
    'EnrolPage',
  ),
});

const health = createRoute({
  getParentRoute: () => root,
  path: '/health',
  component: lazyRouteComponent(
    file(() => import('./pages/health/health-page.tsx')),
    'HealthPage',
  ),
});

export const router = createRouter({
  routeTree: root.addChildren([
    fleet,
    hosts,
    host,
    findings,
    finding,
    policies,
    policy,
    policyEdit,
    imaPolicy,
    measurements,
    digests,
    digest,
    alerts,
    audit,
    enrol,
    health,
  ]),
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
