import { Option, type Command } from 'commander';
import { action, command, connected, examples, group, outputOption } from './declare.ts';

// The declarations of `assay policies` and `assay findings`.

export function addPolicies(program: Command): void {
  const policies = group(program, 'policies', 'Reference values at the verifier: versions, and which is in force.');
  const get = connected(command(policies, 'get', 'List all versions of all policies.')).addOption(outputOption());
  examples(get, ['assay policies get', "assay policies get -o json | jq '.policies[] | select(.inForceSince)'"]);
  get.action(action(async (given) => (await import('./commands/policies.ts')).getPolicies(given)));
  addTrials(policies);
  const fetch = connected(command(policies, 'fetch', 'Write the canonical text of a version into a file.'))
    .argument('<name>', 'name of the policy')
    .argument('<version>', 'version that was pushed')
    .requiredOption('--out <file>', 'the reference values; is replaced as a whole where it exists')
    .addOption(outputOption());
  examples(fetch, [
    'assay policies fetch web 12 --out web-12.json',
    'assay policies fetch web 12 --out w.json -o json',
  ]);
  fetch.action(
    action(async (name, version, given) => (await import('./commands/policies.ts')).fetchPolicy(name, version, given)),
  );
}

/** What comes of a version, or a file, before it is in force. */
function addTrials(policies: Command): void {
  const simulate = connected(
    command(policies, 'simulate', 'Say what a candidate would make of what the fleet has run.'),
  )
    .argument('<name>', 'name of the policy')
    .argument('[version]', 'version that was pushed (default: the newest)')
    .option('--candidate <file>', 'reference values that are tried instead; they are not stored')
    .option('--deny <digest...>', 'deny these digests besides')
    .option('--boots <which>', 'of which boots the lists are: present or all', 'present')
    .option('--limit <number>', 'changes that are named as text', '20')
    .addOption(outputOption());
  examples(simulate, [
    'assay policies simulate web 12',
    'assay policies simulate web --candidate v13.json --boots all',
    'assay policies simulate web 12 -o json | jq .causes',
  ]);
  simulate.action(
    action(async (name, version, given) =>
      (await import('./commands/policies.ts')).simulatePolicyVersion(name, version, given),
    ),
  );
  const diff = connected(command(policies, 'diff', 'Say what differs between two versions, by package.'))
    .argument('<name>', 'name of the policy')
    .argument('<from>', 'the older version')
    .argument('<to>', 'the newer one')
    .addOption(outputOption());
  examples(diff, ['assay policies diff web 11 12', 'assay policies diff web 11 12 -o json']);
  diff.action(
    action(async (name, from, to, given) =>
      (await import('./commands/policies.ts')).diffPolicyVersions(name, { from, to }, given),
    ),
  );
  const excluded = connected(command(policies, 'excluded', 'List what excludes of the version in force let through.'))
    .argument('<name>', 'name of the policy')
    .addOption(outputOption());
  examples(excluded, ['assay policies excluded web', "assay policies excluded web -o json | jq '.entries[].path'"]);
  excluded.action(
    action(async (name, given) => (await import('./commands/policies.ts')).excludedByPolicy(name, given)),
  );
  const deny = connected(command(policies, 'deny', 'Propose a version in which a digest is denied, whoever signed it.'))
    .argument('<name>', 'name of the policy')
    .argument('<digest>', 'such as sha256:9f3c…')
    .requiredOption('--reason <text>', 'why, for findings and for the record')
    .option('--limit <number>', 'changes that are named as text', '20')
    .addOption(outputOption());
  examples(deny, [
    'assay policies deny web sha256:9f3c… --reason CVE-2026-1234',
    'assay policies simulate web --deny sha256:9f3c…',
  ]);
  deny.action(
    action(async (name, digest, given) => (await import('./commands/policies.ts')).denyDigest(name, digest, given)),
  );
}

export function addFindings(program: Command): void {
  const findings = group(program, 'findings', 'What is verified and not acceptable: causes, hosts, what to do.');
  const list = connected(command(findings, 'list', 'List what is open, those of one cause in one row.'))
    .option('--host <host>', 'of this host')
    .option('--all', 'closed ones too')
    .option('--closed', 'closed ones alone')
    .addOption(new Option('--severity <which>', 'as grave as this').choices(['failed', 'warning']))
    .option('--code <code>', 'with this code')
    .option('--known', 'of which somebody knows')
    .option('--new', 'of which nobody knows yet')
    .option('--text <text>', 'with this in the sentence, code, digest, path or name of the host')
    .option('--limit <number>', 'no more than so many, up to 1000', '200')
    .addOption(outputOption());
  examples(list, [
    'assay findings list',
    'assay findings list --host web-03 --all',
    'assay findings list --severity failed --new -o json | jq -r .findings[].host.name',
  ]);
  list.action(action(async (given) => (await import('./commands/findings.ts')).listFindings(given)));
  const show = connected(command(findings, 'show', 'Show one finding: why, where else, and what to do next.'))
    .argument('<id>', 'such as F-12')
    .addOption(outputOption());
  examples(show, ['assay findings show F-12', 'assay findings show F-12 -o json | jq -r .finding.evidence.digest']);
  show.action(action(async (id, given) => (await import('./commands/findings.ts')).showFinding(id, given)));
  addKnown(findings);
  const approve = connected(
    command(findings, 'approve', 'Propose a version of the policy in which what was found is good.'),
  )
    .argument('<id>', 'such as F-12')
    .addOption(outputOption());
  examples(approve, ['assay findings approve F-12', 'assay findings approve F-12 -o json | jq .simulation.hosts']);
  approve.action(action(async (id, given) => (await import('./commands/findings.ts')).approveFinding(id, given)));
}

function addKnown(findings: Command): void {
  const acknowledge = connected(
    command(findings, 'acknowledge', 'Note that a finding is known of: it stays, and alerts nobody again until then.'),
  )
    .argument('<id>', 'such as F-12')
    .option('--reason <text>', 'why it may stay, for the record')
    .option('--until <time>', 'RFC 3339 time at which that is over, at most a year from now (default: in 30 days)')
    .option('--everywhere', 'on each host that has it now, too')
    .option('--withdraw', 'take it back instead')
    .addOption(outputOption());
  examples(acknowledge, [
    "assay findings acknowledge F-12 --reason 'trial of the new agent' --until 2026-12-24T00:00:00Z",
    'assay findings acknowledge F-12 --withdraw',
  ]);
  acknowledge.action(
    action(async (id, given) => (await import('./commands/findings.ts')).acknowledgeFinding(id, given)),
  );
  const resolve = connected(command(findings, 'resolve', 'End a finding that the evidence shows no more.'))
    .argument('<id>', 'such as F-12')
    .requiredOption('--reason <text>', 'why it is over, for the record')
    .addOption(outputOption());
  examples(resolve, ["assay findings resolve F-12 --reason 'we updated the firmware of the TPM'"]);
  resolve.action(action(async (id, given) => (await import('./commands/findings.ts')).resolveFinding(id, given)));
}
