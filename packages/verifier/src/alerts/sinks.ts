import { BlockList, isIP } from 'node:net';
import { FormatError } from '@assay/core/errors';
import { strictJson } from '@assay/core/bytes';
import { z } from 'zod';

const Name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'takes small letters, digits, `.`, `_` and `-`');
const Minimum = z.enum(['warning', 'failed']).default('warning');

/** Where machines of a cloud find what is theirs, with keys among it: nobody takes alerts there. */
const METADATA = new BlockList();
METADATA.addSubnet('169.254.0.0', 16);
METADATA.addSubnet('fe80::', 10, 'ipv6');
METADATA.addAddress('fd00:ec2::254', 'ipv6');

const LINK_LOCAL = 'is a link-local address: there are metadata of a cloud, and no receiver of alerts';

/** @param host a name, or an address, with the brackets of an address in a URL or without */
function isReceiver(host: string): boolean {
  const [address = ''] = host.replace(/^\[|\]$/g, '').split('%');
  const version = isIP(address);
  return version === 0 || !METADATA.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/** Posts each message to an address, signed as standardwebhooks.com says. */
const WebhookSink = z.strictObject({
  name: Name,
  type: z.literal('webhook'),
  url: z.url({ protocol: /^https?$/ }).refine((url) => isReceiver(URL.parse(url)?.hostname ?? ''), LINK_LOCAL),
  /** What `data` of the CloudEvents envelope holds. */
  payload: z.enum(['assay', 'ocsf', 'ecs']).default('assay'),
  /** `whsec_` and base64 of 24 to 64 bytes, which the receiver has too. */
  secret: z.string().regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, 'is not whsec_ and base64 of 24 to 64 bytes'),
  minimum: Minimum,
});

/** RFC 5424 messages: datagrams (RFC 5426), or a stream with the length in front of each (RFC 6587, 3.4.1). */
const SyslogSink = z.strictObject({
  name: Name,
  type: z.literal('syslog'),
  host: z.string().min(1).max(253).refine(isReceiver, LINK_LOCAL),
  port: z.int().min(1).max(65_535).default(514),
  transport: z.enum(['udp', 'tcp']).default('udp'),
  /** Facility; 13 is log audit. */
  facility: z.int().min(0).max(23).default(13),
  minimum: Minimum,
});

const Sink = z.discriminatedUnion('type', [WebhookSink, SyslogSink]);
export type Sink = z.infer<typeof Sink>;
export type WebhookSink = z.infer<typeof WebhookSink>;
export type SyslogSink = z.infer<typeof SyslogSink>;

const AlertFile = z.strictObject({
  schema: z.literal('assay.alerts.v1'),
  sinks: z.array(Sink).max(32),
});

/**
 * Where alerts go, as the file says that `--alerts` names.
 * @throws FormatError ALERT-SINK
 */
export function readSinks(bytes: Uint8Array): readonly Sink[] {
  const parsed = AlertFile.safeParse(strictJson(bytes, 'ALERT-SINK'));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FormatError('ALERT-SINK', `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim());
  }
  const names = new Set(parsed.data.sinks.map(({ name }) => name));
  if (names.size < parsed.data.sinks.length) throw new FormatError('ALERT-SINK', 'two sinks have one name');
  return parsed.data.sinks;
}
