import {
  ActivateReply,
  ActivateRequest,
  CertificateReply,
  CertificateRequest,
  Challenge,
  EnrolReply,
  EnrolRequest,
  EVIDENCE_BODY_LIMIT,
  EvidenceMessage,
  EvidenceReply,
  LIST_CHUNK_LIMIT,
  ListPartQuery,
  ListPartReply,
  ROUTES,
} from '@assay/wire';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { activate } from '../../enrolment/activate.ts';
import { enrol, renewKey } from '../../enrolment/enrol.ts';
import { certify } from '../../tls/certify.ts';
import { askAgain } from '../../rounds/challenge.ts';
import type { RoundQueue } from '../../rounds/queue.ts';
import { takePart } from '../../rounds/take-part.ts';
import { RequestProblem } from '../../problem.ts';
import { requireHostCertificate } from '../host-certificate.ts';
import type { App } from '../instance.ts';
import { agentHostOf, recallAgent, requireAgent, requireJson } from '../guards.ts';
import { largeBodiesInTurn } from '../large-bodies.ts';
import { BEARER, PROBLEMS } from '../schemas.ts';

type InTurn = ReturnType<typeof largeBodiesInTurn>;

const BYTES = 'application/octet-stream';

/** Per minute and address: enrolling costs the verifier a public-key operation each. */
const ENROLMENT_RATE = { max: 300, timeWindow: 60_000 };

/** Per minute and host: far over an agent that sends each new entry at once, far under one that runs away. */
const AGENT_RATE = {
  max: 3000,
  timeWindow: 60_000,
  keyGenerator: (request: FastifyRequest) => agentHostOf(request).id,
};

/** What agents send. */
export async function agentRoutes(app: App, context: Context, rounds: RoundQueue): Promise<void> {
  const inTurn = largeBodiesInTurn();
  keyRoutes(app, context);
  evidenceRoutes(app, context, rounds, inTurn);
  await listPartRoute(app, context, inTurn);
  certificateRoute(app, context);
}

function keyRoutes(app: App, context: Context): void {
  app.post(
    ROUTES.enrol,
    {
      onRequest: [requireJson],
      config: { rateLimit: ENROLMENT_RATE },
      schema: {
        summary: 'Begin an enrolment, with the join token or a registered endorsement key',
        tags: ['agent'],
        security: BEARER,
        body: EnrolRequest,
        response: { 201: EnrolReply, ...PROBLEMS },
      },
    },
    async ({ principal, body }, reply) => reply.code(201).send(await enrol(context, principal?.name, body)),
  );
  app.post(
    ROUTES.renewKey,
    {
      onRequest: [requireJson, requireAgent(context.database)],
      config: { rateLimit: ENROLMENT_RATE },
      schema: {
        summary: 'Begin to enrol a host again with another attestation key, with its own token',
        tags: ['agent'],
        security: BEARER,
        body: EnrolRequest,
        response: { 201: EnrolReply, ...PROBLEMS },
      },
    },
    async (request, reply) => reply.code(201).send(await renewKey(context, agentHostOf(request).id, request.body)),
  );
  app.post(
    ROUTES.activate,
    {
      onRequest: [requireJson],
      config: { rateLimit: ENROLMENT_RATE },
      schema: {
        summary: 'Answer the credential of an enrolment, once',
        tags: ['agent'],
        params: z.object({ id: z.string().min(1).max(64) }),
        body: ActivateRequest,
        response: { 201: ActivateReply, ...PROBLEMS },
      },
    },
    async ({ params, body }, reply) => reply.code(201).send(await activate(context, params.id, body)),
  );
}

function certificateRoute(app: App, context: Context): void {
  app.post(
    ROUTES.certificate,
    {
      onRequest: [requireJson, requireAgent(context.database)],
      config: { rateLimit: AGENT_RATE },
      schema: {
        summary: 'Ask for a certificate of the host, with a quote over its key',
        tags: ['agent'],
        security: BEARER,
        body: CertificateRequest,
        response: { 201: CertificateReply, ...PROBLEMS },
      },
    },
    async (request, reply) => reply.code(201).send(await certify(context, agentHostOf(request).id, request.body)),
  );
}

function evidenceRoutes(app: App, context: Context, rounds: RoundQueue, inTurn: InTurn): void {
  const agent = requireAgent(context.database);
  app.post(
    ROUTES.challenge,
    {
      onRequest: agent,
      config: { rateLimit: AGENT_RATE },
      schema: {
        summary: 'Ask for a challenge, where the last one expired',
        tags: ['agent'],
        security: BEARER,
        response: { 201: Challenge, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      return reply.code(201).send(await askAgain(context, agentHostOf(request).id));
    },
  );
  app.post(
    ROUTES.evidence,
    {
      onRequest: [requireJson, recallAgent(context.database), requireHostCertificate(context), inTurn],
      bodyLimit: EVIDENCE_BODY_LIMIT,
      // Those headers are for browsers, and cost a tenth as much as to verify a quote; there is no other route of this rate.
      helmet: false,
      config: { rateLimit: AGENT_RATE },
      schema: {
        summary: 'Answer a challenge with evidence',
        tags: ['agent'],
        security: BEARER,
        body: EvidenceMessage,
        response: { 200: EvidenceReply, ...PROBLEMS },
      },
    },
    async (request) => rounds.run(agentHostOf(request), request.body),
  );
}

/** The one route whose body is bytes: what can have hundreds of megabytes in all is read without a detour through text. */
async function listPartRoute(app: App, context: Context, inTurn: InTurn): Promise<void> {
  await app.register(async (scope: App) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(BYTES, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.post(
      ROUTES.listParts,
      {
        onRequest: [requireAgent(context.database), requireHostCertificate(context), inTurn],
        bodyLimit: LIST_CHUNK_LIMIT,
        config: { rateLimit: AGENT_RATE },
        schema: {
          summary: 'Send a part of a list that is too long for one message, before the quote that will prove it',
          tags: ['agent'],
          security: BEARER,
          consumes: [BYTES],
          querystring: ListPartQuery,
          response: { 200: ListPartReply, ...PROBLEMS },
        },
      },
      async (request) => {
        const { body, query } = request;
        if (!(body instanceof Uint8Array)) throw new RequestProblem('REQUEST-MALFORMED', 'There is no body.');
        return { list: await takePart(context, agentHostOf(request).id, query, body) };
      },
    );
  });
}
