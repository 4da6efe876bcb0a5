import { setTimeout as delay } from 'node:timers/promises';
import type { SimulatedHost } from '@assay/testkit/evidence';
import { route, ROUTES, ServerEvent } from '@assay/wire';
import type { Agents } from './agents.ts';
import type { FleetHost } from './hosts.ts';

const SAMPLES = 100;
const PAUSE_MILLISECONDS = 50;
const PATIENCE_MILLISECONDS = 20_000;

/** Milliseconds from the execution of an unknown program to its finding on `/v1/events`, the 99th of 100. */
export async function findingTimes(
  url: string,
  agents: Agents,
  machines: readonly SimulatedHost[],
  hosts: readonly FleetHost[],
): Promise<number> {
  const [host] = hosts;
  const machine = machines[host?.machine ?? 0];
  if (host === undefined || machine === undefined) throw new Error('there is no host');
  agents.reconnect();
  await agents.round(host);
  await capture(url, host);
  const stop = new AbortController();
  const seen = new Map<string, (at: number) => void>();
  const reading = readFindings(url, stop.signal, (path) => seen.get(path)?.(performance.now()));
  const idle = idleRounds(
    agents,
    hosts.filter((other) => other.machine !== host.machine),
    stop.signal,
  );
  const times: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const path = `/tmp/unknown-${sample}`;
    const found = new Promise<number>((resolve) => seen.set(path, resolve));
    const began = performance.now();
    await machine.execute(path, path);
    await agents.round(host);
    const at = await Promise.race([found, delay(PATIENCE_MILLISECONDS, undefined)]);
    if (at === undefined) throw new Error(`no finding for ${path}`);
    times.push(at - began);
    await delay(PAUSE_MILLISECONDS * Math.random());
  }
  stop.abort();
  await Promise.all([reading, idle]);
  return times.toSorted((a, b) => a - b)[SAMPLES - 2] ?? 0;
}

/** Makes what the host measured its reference values. */
export async function capture(url: string, host: FleetHost): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${'o'.repeat(43)}` };
  const answer = await fetch(`${url}${route(ROUTES.captures, host.id)}`, { method: 'POST', headers, body: '{}' });
  if (!answer.ok) throw new Error(await answer.text());
  await answer.arrayBuffer();
}

async function idleRounds(agents: Agents, hosts: readonly FleetHost[], signal: AbortSignal): Promise<void> {
  for (let next = 0; !signal.aborted; next++) {
    const host = hosts[next % hosts.length];
    if (host !== undefined) await agents.round(host);
    await delay(5);
  }
}

async function readFindings(url: string, signal: AbortSignal, seen: (path: string) => void): Promise<void> {
  try {
    const { body } = await fetch(`${url}${ROUTES.events}`, { signal });
    let text = '';
    for await (const chunk of body ?? []) {
      text += Buffer.from(chunk).toString('utf8');
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = /^data: ?(.*)$/m.exec(block)?.[1];
        const event = data === undefined ? undefined : ServerEvent.parse(JSON.parse(data));
        if (event?.type === 'finding' && event.finding.evidence.filenameHint !== null)
          seen(event.finding.evidence.filenameHint);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
