// Runs in a guest of the lab: the agent of a host, and in the first boot an attack. Arguments: verifier URL, join token.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { startAgent, type AgentPhase } from '@assay/agent';
import { kernelIma } from '@assay/linux/ima';
import { openTpmDevice, Tpm } from '@assay/linux/tpm';
import type { EvidenceReply } from '@assay/wire';
import { CONTENTS, HOST, PROGRAMS, STATE_FILE } from './names.ts';

const COUNT = '/sys/kernel/security/ima/runtime_measurements_count';
const STATE = `/run/lab/${STATE_FILE}`;
const OUT = '/lab/out';

/** The replies of the verifier, and whoever waits for one. */
class Replies {
  readonly #waiting = new Set<(reply: EvidenceReply) => void>();

  /** So far, of the list. */
  verifiedBytes = 0;

  add(reply: EvidenceReply): void {
    this.verifiedBytes = reply.challenge.list.fromOffset;
    for (const look of this.#waiting) look(reply);
  }

  /** The next one that is about so many entries of the list. */
  covering(entries: number, isWanted: (reply: EvidenceReply) => boolean): Promise<EvidenceReply> {
    return new Promise((resolve) => {
      const look = (reply: EvidenceReply): void => {
        if (!reply.verified || reply.challenge.list.fromEntry <= entries || !isWanted(reply)) return;
        this.#waiting.delete(look);
        resolve(reply);
      };
      this.#waiting.add(look);
    });
  }
}

/** Runs programs, and waits until what they brought into the list was judged. */
async function runAndAttest(replies: Replies, programs: readonly string[]): Promise<void> {
  for (const program of programs) execFileSync(program);
  const entries = Number(await readFile(COUNT, 'latin1'));
  // Until somebody captures reference values there is no judgement.
  const reply = await replies.covering(entries, ({ verdict }) => verdict !== 'unverified');
  console.log(`${programs.join(' ')}: ${reply.verdict}`);
}

async function attack(): Promise<void> {
  await writeFile(PROGRAMS.known, CONTENTS.tampered);
  await writeFile(PROGRAMS.unknown, CONTENTS.unknown, { mode: 0o755 });
}

async function main(verifierUrl: string, joinToken: string): Promise<void> {
  const isFirstBoot = !existsSync(STATE);
  const ima = kernelIma();
  if (ima.state !== 'present') throw new Error(`IMA is ${ima.state}: ${ima.reason}`);
  const { source } = ima;
  const tpm = new Tpm(await openTpmDevice());
  const replies = new Replies();
  const onPhase = (phase: AgentPhase): void => {
    if (phase.phase === 'attested') replies.add(phase.reply);
    else if (phase.phase === 'retrying') console.error(phase.error.message);
    else console.log(phase.phase);
  };
  const facts = { tpmKind: 'hardware', listSource: 'kernel', kernel: release(), agentVersion: '0.1.0' } as const;
  const agent = startAgent({ name: HOST, verifierUrl, joinToken, tpm, source, facts, statePath: STATE, onPhase });
  await runAndAttest(replies, [PROGRAMS.known, PROGRAMS.ready]);
  if (isFirstBoot) {
    await attack();
    await runAndAttest(replies, [PROGRAMS.known, PROGRAMS.unknown]);
  }
  await agent.stop(60_000);
  await tpm.close();
  const list = (await source.read(0)).subarray(0, replies.verifiedBytes);
  await writeFile(`${OUT}/list`, `${list.length} ${createHash('sha256').update(list).digest('hex')}`);
  await copyFile(STATE, `${OUT}/${STATE_FILE}`);
}

const [verifierUrl = '', joinToken = ''] = process.argv.slice(2);
await main(verifierUrl, joinToken);
