import { SimulatedHost } from '@assay/testkit/evidence';
import {
  ActivateReply,
  type ActivateRequest,
  CaptureReply,
  Challenge,
  EnrolReply,
  EvidenceReply,
  FindingList,
  HostDocument,
  MeasurementList,
  ROUTES,
  route,
  type CaptureRequest,
  type EvidenceMessage,
  type Finding,
  type HostDetail,
} from '@assay/wire';
import type { Verifier } from '@assay/verifier';
import type { z } from 'zod';
import { call, post, refusal, TOKENS, type Answer } from './service.ts';

/** An enrolled host, as its agent sees it. */
export class TestAgent {
  readonly host: SimulatedHost;
  readonly hostId: string;
  readonly token: string;
  verifier: Pick<Verifier, 'url'>;
  /** The challenge to answer next. */
  challenge: Challenge;

  constructor(verifier: Pick<Verifier, 'url'>, host: SimulatedHost, enrolled: ActivateReply) {
    this.verifier = verifier;
    this.host = host;
    this.hostId = enrolled.hostId;
    this.token = enrolled.token;
    this.challenge = enrolled.challenge;
  }

  /** The same enrolment on another boot of the host. */
  on(host: SimulatedHost): TestAgent {
    return new TestAgent(this.verifier, host, this);
  }

  async attest(): Promise<EvidenceReply> {
    return this.send(await this.host.evidence(this.challenge));
  }

  async send(message: EvidenceMessage): Promise<EvidenceReply> {
    const reply = content(await this.post(message), EvidenceReply);
    this.challenge = reply.challenge;
    return reply;
  }

  post(message: unknown): Promise<Answer> {
    return post(this.verifier, ROUTES.evidence, this.token, message);
  }

  async askChallenge(): Promise<Challenge> {
    this.challenge = content(await post(this.verifier, ROUTES.challenge, this.token, {}), Challenge);
    return this.challenge;
  }

  async detail(): Promise<HostDetail> {
    return content(await call(this.verifier, route(ROUTES.host, this.hostId)), HostDocument).host;
  }

  async findings(query = 'open=true'): Promise<Finding[]> {
    const path = `${ROUTES.findings}?host=${this.hostId}&${query}`;
    return content(await call(this.verifier, path), FindingList).findings;
  }

  async measurements(query = ''): Promise<z.infer<typeof MeasurementList>> {
    return content(await call(this.verifier, `${route(ROUTES.measurements, this.hostId)}?${query}`), MeasurementList);
  }

  async capture(request: CaptureRequest = {}): Promise<CaptureReply> {
    return content(
      await post(this.verifier, route(ROUTES.captures, this.hostId), TOKENS.operator, request),
      CaptureReply,
    );
  }
}

export function content<T>(answer: Answer, schema: z.ZodType<T>): T {
  if (answer.status >= 400) throw new Error(`${refusal(answer)}: ${answer.text}`);
  return schema.parse(JSON.parse(answer.text));
}

export async function beginEnrolment(verifier: Pick<Verifier, 'url'>, host: SimulatedHost): Promise<EnrolReply> {
  return content(await post(verifier, ROUTES.enrol, TOKENS.join, await host.enrolRequest()), EnrolReply);
}

export function activate(
  verifier: Pick<Verifier, 'url'>,
  enrolment: string,
  secret: string,
  more: Partial<ActivateRequest> = {},
): Promise<Answer> {
  return post(verifier, route(ROUTES.activate, enrolment), TOKENS.join, { secret, ...more });
}

export async function enrol(verifier: Pick<Verifier, 'url'>, host: SimulatedHost): Promise<TestAgent> {
  const begun = await beginEnrolment(verifier, host);
  const answer = await activate(verifier, begun.enrolment, await host.openCredential(begun));
  return new TestAgent(verifier, host, content(answer, ActivateReply));
}

/** An enrolled host that ran one program, which is its reference value. */
export async function captured(verifier: Verifier, name: string): Promise<TestAgent> {
  const agent = await enrol(verifier, await SimulatedHost.boot({ name }));
  await agent.host.execute('/usr/bin/true', 'true');
  await agent.attest();
  await agent.capture();
  return agent;
}
