import { Agent, request } from 'node:http';
import type { SimulatedHost } from '@assay/testkit/evidence';
import { Challenge, EvidenceReply, LIST_TAIL_LIMIT, ListPartReply, ROUTES } from '@assay/wire';
import type { FleetHost } from './hosts.ts';

/** Hosts whose quotes are made before they are sent. */
const PREPARED = 256;
/** A question that ends sooner is not answered. */
const LEAST_MILLISECONDS = 60_000;

/** The agents of simulated hosts, with as many connections as rounds at one time. */
export class Agents {
  readonly #url: string;
  readonly #machines: readonly SimulatedHost[];
  readonly #atOnce: number;
  #http: Agent;
  readonly #challenges = new Map<string, Challenge>();
  /** Milliseconds from sending to the answer, of all rounds since this was emptied. */
  readonly times: number[] = [];

  constructor(url: string, machines: readonly SimulatedHost[], atOnce: number) {
    this.#url = url;
    this.#machines = machines;
    this.#atOnce = atOnce;
    this.#http = new Agent({ keepAlive: true, maxSockets: atOnce });
  }

  /** One round, from the quote to the answer. */
  async round(host: FleetHost): Promise<EvidenceReply> {
    return this.#send(host, await this.#evidence(host));
  }

  /** One round of a host as its agent does it where the list is long: parts of it, then the quote with what is left. */
  async inParts(host: FleetHost): Promise<void> {
    const machine = this.#machineOf(host);
    const challenge = Challenge.parse(await this.#post(ROUTES.challenge, host, '{}'));
    const bytes = Buffer.from(machine.list.bytes());
    const upload = { bank: machine.list.bank, upload: host.id };
    let place = challenge.list;
    const began = performance.now();
    while (bytes.length - place.fromOffset > LIST_TAIL_LIMIT) {
      const { fromEntry, fromOffset } = place;
      const query = new URLSearchParams({ ...upload, fromEntry: String(fromEntry), fromOffset: String(fromOffset) });
      const part = bytes.subarray(fromOffset, fromOffset + LIST_TAIL_LIMIT);
      place = ListPartReply.parse(await this.#post(`${ROUTES.listParts}?${query.toString()}`, host, part)).list;
    }
    const message = await machine.evidence({ ...challenge, list: place });
    await this.#send(
      host,
      JSON.stringify({ ...message, list: { ...message.list, continues: place !== challenge.list } }),
    );
    this.times.push(performance.now() - began);
  }

  /**
   * One round of each host, so many at one time. The quotes are made before, so that what is timed is the verifier; of some
   * hosts at a time, so that no question waits too long.
   * @returns milliseconds from first messages to last answers
   */
  async rounds(hosts: readonly FleetHost[]): Promise<number> {
    let milliseconds = 0;
    for (let start = 0; start < hosts.length; start += PREPARED) {
      milliseconds += await this.#together(hosts.slice(start, start + PREPARED));
    }
    return milliseconds;
  }

  async #together(hosts: readonly FleetHost[]): Promise<number> {
    const messages: [FleetHost, string][] = [];
    for (const host of hosts) messages.push([host, await this.#evidence(host)]);
    this.reconnect();
    const waiting = messages.values();
    const worker = async (): Promise<void> => {
      for (const [host, message] of waiting) await this.#send(host, message);
    };
    const began = performance.now();
    await Promise.all(Array.from({ length: this.#atOnce }, worker));
    return performance.now() - began;
  }

  /** After a pause, in which the verifier may have given up the connections. */
  reconnect(): void {
    this.#http.destroy();
    this.#http = new Agent({ keepAlive: true, maxSockets: this.#atOnce });
  }

  #machineOf(host: FleetHost): SimulatedHost {
    const machine = this.#machines[host.machine];
    if (machine === undefined) throw new Error('there is no such machine');
    return machine;
  }

  async #evidence(host: FleetHost): Promise<string> {
    const machine = this.#machineOf(host);
    const known = this.#challenges.get(host.id);
    const fresh = known !== undefined && Date.parse(known.expiresAt) > Date.now() + LEAST_MILLISECONDS;
    const asked = fresh ? known : Challenge.parse(await this.#post(ROUTES.challenge, host, '{}'));
    return JSON.stringify(await machine.evidence(asked));
  }

  async #send(host: FleetHost, message: string): Promise<EvidenceReply> {
    const sent = performance.now();
    const reply = EvidenceReply.parse(await this.#post(ROUTES.evidence, host, message));
    this.times.push(performance.now() - sent);
    if (!reply.verified) throw new Error(`${host.name}: ${JSON.stringify(reply.errors)}`);
    this.#challenges.set(host.id, reply.challenge);
    return reply;
  }

  close(): void {
    this.#http.destroy();
  }

  #post(path: string, host: FleetHost, body: string | Uint8Array): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream';
      const headers = { 'content-type': type, authorization: `Bearer ${host.token}` };
      const sent = request(`${this.#url}${path}`, { method: 'POST', agent: this.#http, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if ((answer.statusCode ?? 500) < 300) resolve(JSON.parse(text));
          else reject(new Error(text));
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
