import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { ActivateReply, Challenge, EnrolRequest, EvidenceMessage, EvidenceReply, ROUTES } from '@assay/wire';
import { roundOf, type Round } from './round.ts';

/** Stands between agent and verifier, hands on what both say, and keeps the evidence. */
export interface Recorder extends AsyncDisposable {
  readonly port: number;
  /** TPM2B_PUBLIC of the attestation key that enrolled last, in Base64. */
  readonly akPublic: string;
  readonly enrolments: number;
  /** Takes the rounds that were kept since it was called last. */
  takeRounds(): Round[];
}

/** @param onRound called when a round is over, before the agent learns of it */
export async function startRecorder(verifierUrl: string, onRound: () => Promise<void>): Promise<Recorder> {
  const record = new Record();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const { status, reply } = await handOn(new URL(request.url ?? '', verifierUrl), request, body);
    record.add(request.url ?? '', body, reply);
    if (request.url === ROUTES.evidence) await onRound();
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(reply);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the recorder listens on no port');
  return Object.assign(record, {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  });
}

async function handOn(url: URL, { method = 'GET', headers }: IncomingMessage, body: string) {
  const { authorization = '' } = headers;
  const init = { method, headers: { authorization, 'content-type': 'application/json' } };
  const response = await fetch(url, body === '' ? init : { ...init, body });
  return { status: response.status, reply: await response.text() };
}

class Record {
  readonly #challenges = new Map<string, Challenge>();
  #rounds: Round[] = [];
  akPublic = '';
  enrolments = 0;

  takeRounds(): Round[] {
    const taken = this.#rounds;
    this.#rounds = [];
    return taken;
  }

  add(path: string, sent: string, received: string): void {
    if (path === ROUTES.enrol) this.akPublic = EnrolRequest.parse(JSON.parse(sent)).akPublic;
    else if (path === ROUTES.evidence) this.#addRound(JSON.parse(sent), JSON.parse(received));
    else if (path === ROUTES.challenge) this.#asked(Challenge.safeParse(JSON.parse(received)).data);
    else this.#activated(ActivateReply.safeParse(JSON.parse(received)).data);
  }

  #activated(reply: ActivateReply | undefined): void {
    if (reply === undefined) return;
    this.enrolments++;
    this.#asked(reply.challenge);
  }

  #addRound(sent: unknown, received: unknown): void {
    const message = EvidenceMessage.parse(sent);
    const reply = EvidenceReply.parse(received);
    const challenge = this.#challenges.get(message.session);
    if (challenge === undefined) throw new Error('evidence in answer to no challenge');
    this.#rounds.push(roundOf(challenge, message, reply));
    this.#asked(reply.challenge);
  }

  #asked(challenge: Challenge | undefined): void {
    if (challenge !== undefined) this.#challenges.set(challenge.session, challenge);
  }
}
