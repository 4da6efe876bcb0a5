import { startAgent } from '@assay/agent';
import { SimulatedHost } from '@assay/testkit/evidence';
import type { Verifier } from '@assay/verifier';
import type { EvidenceReply } from '@assay/wire';
import packageJson from '../../package.json' with { type: 'json' };
import type { Console } from './console.ts';
import type { State } from './state.ts';
import { simulatedChip } from './tpm.ts';

const NAMES = ['web-01', 'web-02', 'db-01'] as const;
/** The one that is attacked, once somebody trusts it. */
const VICTIM = 'web-02';

const BOOT_PROGRAMS = `/usr/lib/systemd/systemd /usr/bin/udevadm /usr/bin/mount /usr/lib/systemd/systemd-journald
  /usr/bin/kmod /usr/sbin/cron /usr/bin/dbus-daemon /usr/sbin/sshd /usr/bin/bash /usr/bin/login`.split(/\s+/);
const LATER_PROGRAMS = '/usr/bin/ls /usr/bin/cat /usr/bin/grep /usr/bin/ps /usr/bin/df /usr/bin/openssl'.split(' ');

const STEP_MILLISECONDS = 700;
const ATTACK_DELAY_MILLISECONDS = 20_000;

/** Three hosts with simulated TPMs and real agents: what an ordinary user, who may not measure this machine, can see. */
export async function simulateFleet(
  state: State,
  verifier: Verifier,
  out: Console,
  cleanup: AsyncDisposableStack,
): Promise<void> {
  out.section('fleet', [
    `simulated: ${NAMES.join(', ')}, each with a simulated TPM; this machine is not measured`,
    `capture reference values of ${VICTIM}, and 20 seconds later a tampered program runs there`,
  ]);
  for (const name of NAMES) await startHost(name, state, verifier, out, cleanup);
}

async function startHost(
  name: string,
  state: State,
  verifier: Verifier,
  out: Console,
  cleanup: AsyncDisposableStack,
): Promise<void> {
  const machine = await SimulatedHost.boot({ name, chip: await simulatedChip(state.path(`tpm-${name}.json`)) });
  cleanup.defer(() => machine.tpm.close());
  const host = new FleetHost(machine);
  await host.boot();
  const timer = setInterval(() => void host.runNext(), STEP_MILLISECONDS);
  const agent = startAgent({
    name,
    verifierUrl: verifier.url,
    joinToken: state.tokens.join,
    tpm: machine.tpm,
    source: machine.list,
    facts: { ...machine.facts, agentVersion: packageJson.version },
    statePath: state.path(`agent-${name}.json`),
    onPhase: (phase) => {
      out.agent(name, phase);
      if (name === VICTIM && phase.phase === 'attested') host.attackWhenTrusted(phase.reply);
    },
  });
  cleanup.defer(async () => {
    clearInterval(timer);
    host.stop();
    await agent.stop();
  });
}

class FleetHost {
  readonly #machine: SimulatedHost;
  readonly #later = [...LATER_PROGRAMS];
  #attack: NodeJS.Timeout | undefined;

  constructor(machine: SimulatedHost) {
    this.#machine = machine;
  }

  async boot(): Promise<void> {
    for (const path of BOOT_PROGRAMS) await this.#machine.execute(path, path);
  }

  async runNext(): Promise<void> {
    const path = this.#later.shift();
    if (path !== undefined) await this.#machine.execute(path, path);
  }

  attackWhenTrusted(reply: EvidenceReply): void {
    if (reply.verdict !== 'trusted' || this.#attack !== undefined) return;
    this.#attack = setTimeout(() => void this.#machine.execute('/usr/bin/bash', 'tampered'), ATTACK_DELAY_MILLISECONDS);
  }

  stop(): void {
    clearTimeout(this.#attack);
  }
}
