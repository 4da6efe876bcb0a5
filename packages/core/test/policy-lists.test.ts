import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isViolation, parseBinaryList, type MeasurementEntry } from '@assay/core/measurement';
import {
  ACCESS,
  evaluate,
  plainSubject,
  type ActivePolicy,
  type KernelProfile,
  type PolicyEvent,
} from '@assay/core/policy';
import { FILE, policyOf } from './policy-events.ts';
import { debian, OPTIONS_6_12 } from './policy-rules.ts';

function vector(name: string): Buffer {
  return readFileSync(new URL(`vectors/${name}`, import.meta.url));
}

interface Recorded {
  readonly name: string;
  readonly list: string;
  readonly bank: 'sha1' | 'sha256';
  readonly profile: KernelProfile;
  /** `ima_template=`, or that of the configuration. */
  readonly template: string;
  /** Owners of the files that were made for the policy; all others are root's. */
  readonly owners: readonly (readonly [RegExp, number])[];
}

const NEW = { ...OPTIONS_6_12, version: { major: 7, minor: 3 } };

const RECORDED: readonly Recorded[] = [
  {
    name: '6.1',
    list: '6.1/binary_runtime_measurements',
    bank: 'sha1',
    profile: debian('6.1'),
    template: 'ima-sig',
    owners: [
      [/^\/t\/legacy$/, 1001],
      [/^\/t\/(?:ng|sp_ace|n\nl|\xff\xfe|viol|tomtou)$/, 1002],
      [/^\/t\/sig$/, 1003],
      [/^\/t\/ngv2$/, 1004],
      [/^\/t\/sigv2$/, 1005],
      [/^\/t\/evmsig$/, 1006],
      [/^\/t\/pcr11$/, 1007],
      [/^\/t\/verity$/, 1008],
      [/^\/t\/e_/, 2004],
    ],
  },
  {
    name: '7.3-bufs',
    list: '7.3-bufs/binary_runtime_measurements_sha256',
    bank: 'sha256',
    profile: NEW,
    template: 'ima-ng',
    owners: [
      [/^\/mnt\/good/, 3000],
      [/^\/mnt\/n$/, 3001],
      [/^\/mnt\/e$/, 3002],
    ],
  },
  {
    name: '7.3-kexec',
    list: '7.3-kexec/binary_runtime_measurements_sha256',
    bank: 'sha256',
    profile: NEW,
    template: 'ima-ng',
    owners: [
      [/^\/mnt\/f/, 3000],
      [/^\/mnt\/s$/, 3001],
    ],
  },
];

const { MAY_EXEC, MAY_READ } = ACCESS;
const ROOT = plainSubject(0, 0);

/** What can have brought an entry into the list. */
function causes(entry: MeasurementEntry, name: string, owner: number): PolicyEvent[] {
  if (entry.template === 'ima-buf') return [bufferEvent(name)];
  const file = { ...FILE, owner };
  return (
    [
      ['FILE_CHECK', MAY_READ],
      ['BPRM_CHECK', MAY_EXEC],
      ['MMAP_CHECK', MAY_EXEC],
      ['MODULE_CHECK', MAY_READ],
      ['KEXEC_KERNEL_CHECK', MAY_READ],
      ['KEXEC_INITRAMFS_CHECK', MAY_READ],
    ] as const
  ).map(([func, mask]) => ({ func, mask, subject: ROOT, file }));
}

const CRITICAL = ['kernel_version', 'ima_policy_loaded', 'kexec_load', 'kexec_execute'];

function bufferEvent(name: string): PolicyEvent {
  const event = { mask: 0, subject: ROOT };
  if (name === 'kexec-cmdline') return { ...event, func: 'KEXEC_CMDLINE', file: FILE };
  if (name === 'ima_policy_written') return { ...event, func: 'POLICY_CHECK' };
  if (CRITICAL.includes(name)) return { ...event, func: 'CRITICAL_DATA', data: name };
  return { ...event, func: 'KEY_CHECK', data: name };
}

/** Whether the policy measures one of the causes, into this PCR and in this template. */
function isExplained(entry: MeasurementEntry, policy: ActivePolicy, recorded: Recorded): boolean {
  const name = Buffer.from(entry.fields?.name ?? []).toString('latin1');
  const owner = recorded.owners.find(([pattern]) => pattern.test(name))?.[1] ?? 0;
  return causes(entry, name, owner).some((event) => {
    const { actions, pcr = 10, template } = evaluate(policy, event);
    const usual = entry.template === 'ima-buf' ? 'ima-buf' : recorded.template;
    // A violation is recorded in the template of the boot parameters.
    const expected = isViolation(entry) ? recorded.template : (template ?? usual);
    return actions.has('measure') && pcr === entry.pcr && expected === entry.template;
  });
}

for (const recorded of RECORDED) {
  test(`every entry of the list of ${recorded.name} is explained by a rule of its policy, and by no other policy`, () => {
    const text = vector(`policy/lists/${recorded.name}.policy`).toString('latin1');
    const policy = policyOf(text, recorded.profile);
    const without = policyOf(
      text.replaceAll(/^measure/gm, 'dont_measure').replaceAll(/ (?:pcr|template)=\S+/g, ''),
      recorded.profile,
    );
    const { entries } = parseBinaryList(vector(`lists/${recorded.list}`), { bank: recorded.bank });
    const files = entries.filter(
      ({ fields }) => !Buffer.from(fields?.name ?? []).equals(Buffer.from('boot_aggregate')),
    );
    assert.ok(files.length >= 15 && files.length < entries.length);
    for (const entry of files) {
      const name = Buffer.from(entry.fields?.name ?? []).toString('latin1');
      assert.equal(isExplained(entry, policy, recorded), true, `${entry.pcr} ${entry.template} ${name}`);
      assert.equal(isExplained(entry, without, recorded), false, name);
    }
  });
}
