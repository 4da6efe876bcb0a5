import {
  ExcludedList,
  PolicyActivation,
  PolicyCandidate,
  PolicyDiff,
  PolicyList,
  PolicyProposal,
  PolicyProposed,
  PolicyPush,
  PolicyReply,
  PolicySimulation,
  PolicyText,
  ROUTES,
  SimulatedBoots,
} from '@assay/wire';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { activatePolicy } from '../../policies/activate.ts';
import { proposeDenials, simulateCandidate, simulateVersion } from '../../policies/candidate.ts';
import { diffPolicy, versionNamed } from '../../policies/diff.ts';
import { excludedEntries } from '../../policies/excluded.ts';
import { listPolicies, versionOnWire } from '../../policies/list.ts';
import { pushPolicy } from '../../policies/push.ts';
import type { PolicyTrust } from '../../policies/signers.ts';
import { refuseManaged } from '../../policies/source/managed.ts';
import { policiesInForce } from '../../store/policies.ts';
import type { PolicyRow } from '../../store/schema.ts';
import { principalOf } from '../access.ts';
import { untilGone } from '../gone.ts';
import { requireJson } from '../guards.ts';
import type { App } from '../instance.ts';
import { BEARER, PROBLEMS } from '../schemas.ts';

/** Reference values of a distribution's packages. */
const BODY_LIMIT = 256 * 1024 * 1024;
const RATE = { max: 120, timeWindow: 60_000 };
const Name = z.object({ id: z.string().min(1).max(64) });
const Version = z.coerce.number().int().min(1);
const VersionQuery = z.strictObject({ version: Version });

/** Reference values that others than the verifier make: pushed, looked at, tried, and brought into force. */
export function policyRoutes(app: App, context: Context, trust: PolicyTrust): void {
  readRoutes(app, context);
  trialRoutes(app, context);
  candidateRoutes(app, context);
  app.post(
    ROUTES.policies,
    {
      onRequest: [requireJson],
      bodyLimit: BODY_LIMIT,
      config: { rateLimit: RATE },
      schema: {
        summary: 'Store a version of reference values; it does not come into force',
        tags: ['policies'],
        security: BEARER,
        body: PolicyPush,
        response: { 201: PolicyReply, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const row = await pushPolicy(context, principalOf(request), request.body.document, trust);
      return reply.code(201).send(await replyOf(context, row));
    },
  );
  app.post(
    ROUTES.policyActivation,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary: 'Bring a version into force',
        tags: ['policies'],
        security: BEARER,
        params: Name,
        body: PolicyActivation,
        response: { 200: PolicyReply, ...PROBLEMS },
      },
    },
    async (request) => {
      await refuseManaged(context.database, request.params.id);
      const row = await activatePolicy(context, principalOf(request), request.params.id, request.body, trust);
      return replyOf(context, row);
    },
  );
}

function readRoutes(app: App, context: Context): void {
  const { database } = context;
  app.get(
    ROUTES.policies,
    {
      schema: {
        summary: 'All versions of all policies',
        tags: ['policies'],
        response: { 200: PolicyList, ...PROBLEMS },
      },
    },
    () => listPolicies(database),
  );
  app.get(
    ROUTES.policy,
    {
      schema: {
        summary: 'A version of a policy, with its canonical text',
        tags: ['policies'],
        params: Name,
        querystring: VersionQuery,
        response: { 200: PolicyText, ...PROBLEMS },
      },
    },
    async ({ params, query }) => {
      const row = await versionNamed(database, params.id, query.version);
      const { policy } = await replyOf(context, row);
      const document = new TextDecoder().decode(row.document);
      return { schema: 'assay.policy-document.v1' as const, policy, document };
    },
  );
}

/** What comes of a version before it is in force. */
function trialRoutes(app: App, context: Context): void {
  app.get(
    ROUTES.policyExcluded,
    {
      schema: {
        summary: 'What excludes of the version in force let through in the present boots',
        tags: ['policies'],
        params: Name,
        response: { 200: ExcludedList, ...PROBLEMS },
      },
    },
    ({ params }) => excludedEntries(context, params.id),
  );
  app.get(
    ROUTES.policyDiff,
    {
      schema: {
        summary: 'What differs from a version to another, by package and rule',
        tags: ['policies'],
        params: Name,
        querystring: z.strictObject({ from: Version.optional(), to: Version }),
        response: { 200: PolicyDiff, ...PROBLEMS },
      },
    },
    ({ params, query: { from, to } }) => diffPolicy(context, params.id, { from, to }),
  );
  app.get(
    ROUTES.policySimulation,
    {
      schema: {
        summary: 'What a version would make of what the fleet has measured',
        tags: ['policies'],
        params: Name,
        querystring: z.strictObject({ version: Version, boots: SimulatedBoots.default('present') }),
        response: { 200: PolicySimulation, ...PROBLEMS },
      },
    },
    async ({ params, query: { version, boots } }, reply) =>
      simulateVersion(context, await versionNamed(context.database, params.id, version), boots, untilGone(reply)),
  );
}

/** Candidates that are not stored, and versions that are made of others. */
function candidateRoutes(app: App, context: Context): void {
  app.post(
    ROUTES.policySimulation,
    {
      onRequest: [requireJson],
      bodyLimit: BODY_LIMIT,
      config: { rateLimit: RATE },
      schema: {
        summary: 'What a candidate would make of what the fleet has measured; it is not stored',
        tags: ['policies'],
        security: BEARER,
        params: Name,
        body: PolicyCandidate,
        response: { 200: PolicySimulation, ...PROBLEMS },
      },
    },
    ({ params, body }, reply) => simulateCandidate(context, params.id, body, untilGone(reply)),
  );
  app.post(
    ROUTES.policyProposals,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary: 'Propose a version in which digests are denied',
        tags: ['policies'],
        security: BEARER,
        params: Name,
        body: PolicyProposal,
        response: { 201: PolicyProposed, ...PROBLEMS },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await proposeDenials(context, principalOf(request), request.params.id, request.body)),
  );
}

async function replyOf({ database }: Context, row: PolicyRow): Promise<PolicyReply> {
  const inForce = (await policiesInForce(database)).find(({ name }) => name === row.name);
  return { schema: 'assay.policy.v1', policy: versionOnWire(row, inForce) };
}
