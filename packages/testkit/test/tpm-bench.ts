import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromHex, toHex } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import {
  checkAttestationKey,
  checkEndorsementKey,
  parsePublic,
  type BankValues,
  type VerifiedAttestationKey,
  type VerifiedEndorsementKey,
} from '@assay/core/tpm';
import { connectSwtpm, Tpm, type KeyBlobs, type TpmTransport } from '@assay/linux/tpm';
import { startSwtpm } from '@assay/testkit/swtpm';
import { SimulatedTpm } from '@assay/testkit/tpm';

/** A TPM with power that was not started yet. */
export interface TpmBench {
  readonly transport: TpmTransport;
  /** The same TPM after TPM2_Shutdown, loss of power and its return. */
  powerCycle(): Promise<TpmBench>;
  /** Takes the power away and forgets everything. */
  dispose(): Promise<void>;
}

export async function simulatedBench(state?: { seed: string; resetCount: number }): Promise<TpmBench> {
  const transport = new SimulatedTpm(
    state === undefined ? {} : { seed: fromHex(state.seed), resetCount: state.resetCount },
  );
  return {
    transport,
    powerCycle: () => simulatedBench(transport.state()),
    dispose: () => transport.close(),
  };
}

export async function swtpmBench(
  kept?: string,
): Promise<TpmBench & { readonly socketPath: string; readonly pid: number }> {
  const state = kept ?? (await mkdtemp(join(tmpdir(), 'assay-tpm-state-')));
  const running = await startSwtpm(state);
  const transport = await connectSwtpm(running.socketPath);
  const end = async (): Promise<void> => {
    await transport.close();
    await running.stop();
  };
  return {
    transport,
    socketPath: running.socketPath,
    pid: running.pid,
    async powerCycle() {
      await new Tpm(transport).shutdown();
      await end();
      return swtpmBench(state);
    },
    async dispose() {
      await end();
      await rm(state, { recursive: true, force: true });
    },
  };
}

export interface LoadedKeys {
  readonly ekHandle: number;
  readonly ek: VerifiedEndorsementKey;
  readonly akHandle: number;
  readonly ak: VerifiedAttestationKey;
  readonly blobs: KeyBlobs;
}

/** An EK and an AK under it, both loaded. */
export async function loadKeys(tpm: Tpm): Promise<LoadedKeys> {
  const ek = await tpm.createEndorsementKey();
  const blobs = await tpm.createAttestationKey(ek.handle);
  const { handle } = await tpm.loadAttestationKey(ek.handle, blobs);
  return {
    ekHandle: ek.handle,
    ek: checkEndorsementKey(parsePublic(ek.public)),
    akHandle: handle,
    ak: checkAttestationKey(parsePublic(blobs.public), nodeCrypto.hasher),
    blobs,
  };
}

/** A transport of which each command and its answer pass through `relay`. */
export function relayed(
  inner: TpmTransport,
  relay: (command: Uint8Array, send: (command: Uint8Array) => Promise<Uint8Array>) => Promise<Uint8Array>,
): TpmTransport {
  return {
    description: inner.description,
    send: (command) => relay(command, (bytes) => inner.send(bytes)),
    close: () => inner.close(),
  };
}

/** TPM_CC of a command. */
export function codeOf(command: Uint8Array): number {
  return Buffer.from(command).readUInt32BE(6);
}

/** PCR values as text, whatever kind of bytes they are. */
export function valuesInHex(values: BankValues): string[] {
  return [...values].flatMap(([bank, ofBank]) => [...ofBank].map(([pcr, value]) => `${bank}:${pcr} ${toHex(value)}`));
}
