import type { PolicyCandidate, PolicyDiff, PolicyList, PolicySimulation, PolicyText } from '@assay/wire';
import { ROUTES, route } from '@assay/wire/routes';
import { queryOptions } from '@tanstack/react-query';
import { requestDocument } from '../../api/documents.ts';

/** All versions of all policies. */
export const policiesQuery = queryOptions({
  queryKey: ['policies'],
  refetchOnMount: 'always',
  queryFn: ({ signal }) => requestDocument<PolicyList>(ROUTES.policies, 'assay.policies.v1', { signal }),
});

const versioned = (path: string, name: string, query: Readonly<Record<string, string>>): string =>
  `${route(path, name)}?${new URLSearchParams(query)}`;

/** What a version says; it never changes. */
export const policyTextQuery = (name: string, version: number) =>
  queryOptions({
    queryKey: ['policy-text', name, version],
    queryFn: ({ signal }) => {
      const path = versioned(ROUTES.policy, name, { version: String(version) });
      return requestDocument<PolicyText>(path, 'assay.policy-document.v1', { signal });
    },
  });

export const policyDiffQuery = (name: string, from: number, to: number) =>
  queryOptions({
    queryKey: ['policy-diff', name, from, to],
    queryFn: ({ signal }) => {
      const path = versioned(ROUTES.policyDiff, name, { from: String(from), to: String(to) });
      return requestDocument<PolicyDiff>(path, 'assay.policy-diff.v1', { signal });
    },
  });

/** What a version would make of what was measured; that grows, so it is asked anew each time. */
export const policySimulationQuery = (name: string, version: number, boots: 'present' | 'all') =>
  queryOptions({
    queryKey: ['policy', 'simulation', name, version, boots],
    refetchOnMount: 'always',
    queryFn: ({ signal }) => {
      const path = versioned(ROUTES.policySimulation, name, { version: String(version), boots });
      return requestDocument<PolicySimulation>(path, 'assay.policy-simulation.v1', { signal });
    },
  });

/** What a candidate that is not stored would make of it. */
export function simulateCandidate(name: string, candidate: PolicyCandidate): Promise<PolicySimulation> {
  return requestDocument<PolicySimulation>(route(ROUTES.policySimulation, name), 'assay.policy-simulation.v1', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(candidate),
  });
}
