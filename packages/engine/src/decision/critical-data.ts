import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { utf8 } from '@assay/core/bytes';
import { activate, evaluate, plainSubject } from '@assay/core/policy';
import { nodeHasher } from '@assay/core/node';
import { encodePairs, type EntryDraft } from '../drafts.ts';
import { typedDigest } from './entry.ts';
import { policyText } from './policy.ts';
import type { DeciderSetup } from './setup.ts';

/** A buffer that is measured where a rule with func=CRITICAL_DATA asks for its label. */
export interface CriticalData {
  readonly label: string;
  /** Event name of the entry. */
  readonly name: string;
  readonly data: Uint8Array;
}

/** What the engine measures besides files, as it starts. `kernel_version` and `ima_policy_loaded` are as the kernel has them. */
export function criticalData(setup: DeciderSetup, mounts: readonly string[]): CriticalData[] {
  return [
    { label: 'kernel_info', name: 'kernel_version', data: utf8(release()) },
    { label: 'kernel_info', name: 'kernel_cmdline', data: commandLine() },
    { label: 'ima_policy', name: 'ima_policy_loaded', data: utf8(policyText(setup, setup.kernel.profile)) },
    { label: 'assay_engine', name: 'assay-engine-config', data: configuration(setup, mounts) },
  ];
}

/** What of the engine's configuration decides; the same bytes for the same configuration. */
function configuration(
  { kernel, keys, kernelKeys = [], evm, updaters, relabel }: DeciderSetup,
  mounts: readonly string[],
): Uint8Array {
  const { major, minor } = kernel.profile.version;
  return encodePairs([
    ['kernel', `${major}.${minor}`],
    ['hash', kernel.imaHash],
    ['template', kernel.template],
    ...[...keys, ...kernelKeys].map(({ keyId }) => ['key', keyId.toString(16).padStart(8, '0')] as const),
    ['evm', evm === undefined ? 'off' : 'on'],
    ...updaters.map(({ digest }) => ['updater', `sha256:${digest}`] as const),
    ['relabel', relabel],
    ...mounts.map((mount) => ['mount', mount] as const),
  ]);
}

function commandLine(): Uint8Array {
  const text = readFileSync('/proc/cmdline');
  return text.at(-1) === 0x0a ? text.subarray(0, -1) : text;
}

/** The entries that the rules want (ima_main.c, process_buffer_measurement); an empty buffer has none. */
export function criticalDrafts(setup: DeciderSetup, all: readonly CriticalData[]): EntryDraft[] {
  const policy = activate(setup.rules, setup.kernel.profile, { failSecurely: setup.failSecurely });
  return all.flatMap(({ label, name, data }) => {
    const event = { func: 'CRITICAL_DATA', mask: 0, subject: plainSubject(0, 0), data: label } as const;
    const { actions, pcr, template = 'ima-buf' } = evaluate(policy, event);
    if (!actions.has('measure') || data.length === 0) return [];
    const { imaHash } = setup.kernel;
    const digest = { algorithm: imaHash, value: nodeHasher.digest(imaHash, data) };
    const fields = { digest: typedDigest(template, digest, 'ima'), name: utf8(name), buffer: data };
    return [{ template, fields, ...(pcr === undefined ? {} : { pcr }) }];
  });
}
