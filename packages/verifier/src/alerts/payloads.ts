import packageJson from '../../package.json' with { type: 'json' };
import type { AlertMessage, Cause } from './message.ts';

const PRODUCT = { name: 'Assay', vendor_name: 'Assay', version: packageJson.version };

/** Envelope of CloudEvents 1.0.2, structured mode. */
export function cloudEvent(message: AlertMessage, data: object): object {
  return {
    specversion: '1.0',
    id: message.id,
    source: 'tag:assay,2026:verifier',
    type: `tag.assay.alert.${message.kind}`,
    subject: message.code,
    time: message.at,
    datacontenttype: 'application/json',
    data,
  };
}

const OCSF_ACTIVITY = { opened: 1, resolved: 3, test: 99 } as const;
const OCSF_STATUS = { opened: 1, resolved: 4, test: 99 } as const;

/** Incident Finding (class 2005) of OCSF 1.3. Times are milliseconds since 1970. */
export function ocsf(message: AlertMessage): object {
  const { kind, causes } = message;
  return {
    category_uid: 2,
    class_uid: 2005,
    activity_id: OCSF_ACTIVITY[kind],
    type_uid: 200_500 + OCSF_ACTIVITY[kind],
    status_id: OCSF_STATUS[kind],
    severity_id: kind === 'test' ? 1 : message.severity === 'failed' ? 4 : 3,
    time: Date.parse(message.at),
    message: message.sentence,
    metadata: { version: '1.3.0', uid: message.id, product: PRODUCT },
    finding_info_list: causes.map((cause) => ({
      uid: cause.id,
      title: message.code,
      desc: cause.sentence,
      first_seen_time: Date.parse(cause.firstSeen),
      last_seen_time: Date.parse(cause.lastSeen),
    })),
    observables: causes.flatMap((cause) => [
      ...cause.hostNames.map((value) => ({ name: 'device.hostname', type_id: 1, value })),
      ...(cause.digest === null ? [] : [{ name: 'file.hashes', type_id: 8, value: cause.digest }]),
    ]),
  };
}

/** Elastic Common Schema 8. */
export function ecs(message: AlertMessage): object {
  const { kind, causes } = message;
  return {
    '@timestamp': message.at,
    ecs: { version: '8.17.0' },
    message: message.sentence,
    tags: ['assay'],
    event: {
      kind: 'alert',
      category: ['intrusion_detection'],
      type: [kind === 'resolved' ? 'end' : 'info'],
      action: `alert-${kind}`,
      id: message.id,
      code: message.code,
      severity: message.severity === 'failed' ? 73 : 47,
      module: 'assay',
      dataset: 'assay.alert',
    },
    rule: { id: message.code, name: message.code },
    related: { hosts: named(causes, ({ hostNames }) => hostNames), hash: named(causes, hexOf) },
  };
}

function hexOf({ digest }: Cause): readonly string[] {
  return digest === null ? [] : [digest.replace(/^[^:]*:/, '')];
}

function named(causes: readonly Cause[], of: (cause: Cause) => readonly string[]): string[] {
  return [...new Set(causes.flatMap(of))];
}
