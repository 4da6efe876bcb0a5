import type { Command } from 'commander';
import { action, collect, command, connected, examples, group, outputOption, signing } from './declare.ts';

// The declarations of `assay reference`.

export function addReference(program: Command): void {
  const reference = group(program, 'reference', 'Reference values: which digests are good, who says so, until when.');
  addCapture(reference);
  addBuild(reference);
  addFiles(reference);
  addSignatures(reference);
  addFleet(reference);
  addKeylime(reference);
}

function addCapture(reference: Command): void {
  const capture = connected(
    command(reference, 'capture', 'Make what a host has measured in this boot its reference values.'),
  )
    .option('--host <host>', 'name or id of the host (default: the only one)')
    .option('--tree <dir...>', 'add the digests of the executable files under these directories of this machine')
    .option('--note <text>', 'why, for the record')
    .addOption(outputOption());
  examples(capture, ['assay reference capture', 'assay reference capture --host web-01 --tree /usr/bin /usr/sbin']);
  capture.action(
    action(async (options) => (await import('./commands/reference-capture.ts')).captureReferences(options)),
  );
}

function addBuild(reference: Command): void {
  const build = command(reference, 'build', 'Write reference values of what lists, trees, packages and images hold.')
    .requiredOption('--out <file>', 'the reference values; is replaced as a whole where it exists')
    .option('--name <name>', 'name of the reference values')
    .option('--version-number <number>', 'their version (default: 1, or one more than that of --base)')
    .option('--base <file>', 'an earlier version, of which all else is taken over')
    .option('--retire <time>', 'pools of --base that are replaced stay good until this RFC 3339 time')
    .option('--valid-until <time>', 'RFC 3339 time after which the version is good no more')
    .option('--note <text>', 'why, for the record')
    .option('--list <file...>', 'measurement lists')
    .option('--tree <dir...>', 'executable files under directories')
    .option('--initramfs <file...>', 'files in an initramfs: cpio archives, compressed or not')
    .option('--deb <file...>', 'Debian packages')
    .option('--rpm <file...>', 'RPM packages')
    .option('--image <path...>', 'images: a directory in the OCI layout, or what `docker save` writes')
    .option('--platform <os/arch>', 'of images of several platforms', 'linux/amd64')
    .option('--repository <dir...>', 'repositories of Debian packages: directories with Packages')
    .option('--keyring <file>', 'keys by which InRelease of the repositories must be signed, for gpgv')
    .option('--cache <dir>', 'keeps the digests of Debian packages, by the SHA-256 of each')
    .addOption(outputOption());
  examples(build, [
    'assay reference build --name web --deb *.deb --out v1.json',
    'assay reference build --base v1.json --deb new/*.deb --retire 2026-12-24T00:00:00Z --out v2.json',
    'assay reference build --name web --image web.tar --initramfs /boot/initrd.img --out v1.json',
    'assay reference build --name apt --repository /srv/apt --keyring archive.gpg --out v1.json',
  ]);
  build.action(action(async (given) => (await import('./commands/reference-build.ts')).buildReferenceFile(given)));
}

function addFiles(reference: Command): void {
  const show = command(reference, 'show', 'Say what a file of reference values holds.')
    .argument('<file>', 'reference values, signed or not')
    .option('--digest <alg:hex>', 'what it says of this digest')
    .addOption(outputOption());
  examples(show, ['assay reference show web-fleet.json', 'assay reference show web-fleet.json --digest sha256:9f3c…']);
  show.action(action(async (file, given) => (await import('./commands/reference-show.ts')).showReference(file, given)));
  const diff = command(reference, 'diff', 'Say what differs between two versions, by package.')
    .argument('<a>', 'the older reference values')
    .argument('<b>', 'the newer ones')
    .addOption(outputOption());
  examples(diff, ['assay reference diff v11.json v12.json', 'assay reference diff v11.json v12.json -o json']);
  diff.action(
    action(async (a, b, given) => (await import('./commands/reference-diff.ts')).diffReferenceFiles(a, b, given)),
  );
  const simulate = command(reference, 'simulate', 'Say what a candidate would make of lists that were recorded.')
    .argument('<candidate>', 'reference values')
    .requiredOption('--list <file>', 'measurement list, or NAME=FILE; may be repeated', collect)
    .option('--in-force <file>', 'the reference values that are compared with')
    .option('--limit <number>', 'changes that are named as text', '20')
    .addOption(outputOption());
  examples(simulate, [
    'assay reference simulate v12.json --in-force v11.json --list web-01=a --list web-02=b',
    'assay reference simulate v12.json --list /sys/kernel/security/ima/binary_runtime_measurements',
  ]);
  simulate.action(
    action(async (file, given) => (await import('./commands/reference-simulate.ts')).simulateReference(file, given)),
  );
}

function addSignatures(reference: Command): void {
  const sign = command(reference, 'sign', 'Sign reference values: writes a DSSE envelope that holds them.')
    .argument('<file>', 'reference values; an envelope gets one signature more')
    .requiredOption('--out <file>', 'the envelope; is replaced as a whole where it exists');
  examples(signing(sign).addOption(outputOption()), [
    'assay reference sign v12.json --key release.pem --out v12.signed.json',
    "assay reference sign v12.json --key 'pkcs11:token=release' --out v12.signed.json",
  ]);
  sign.action(action(async (file, given) => (await import('./commands/reference-sign.ts')).signReference(file, given)));
  const verify = trusting(
    command(reference, 'verify', 'Check who signed reference values, and that they may be in force.'),
  )
    .argument('<file>', 'an envelope, or the file that a bundle is of')
    .option('--in-force <file>', 'reference values that must not be newer')
    .option('--at <time>', 'RFC 3339 time at which they must be valid (default: now)')
    .addOption(outputOption());
  examples(verify, [
    'assay reference verify v12.signed.json --public-key release.pub --in-force v11.signed.json',
    'assay reference verify v12.json --bundle v12.sigstore.json --public-key cosign.pub',
    'assay reference verify v12.json --bundle b.json --trusted-root r.json --identity ME --issuer URL',
  ]);
  verify.action(
    action(async (file, given) => (await import('./commands/reference-verify.ts')).verifyReference(file, given)),
  );
}

/** What needs a verifier. */
function addFleet(reference: Command): void {
  const push = connected(command(reference, 'push', 'Give a version to the verifier; it does not come into force.'))
    .argument('<file>', 'reference values, signed or not')
    .addOption(outputOption());
  examples(push, [
    'assay reference push v12.signed.json',
    'assay reference push v12.json --url https://verifier.example',
  ]);
  push.action(action(async (file, given) => (await import('./commands/reference-push.ts')).pushReference(file, given)));
  const activate = connected(command(reference, 'activate', 'Bring a version into force that somebody else pushed.'))
    .argument('<name>', 'name of the reference values')
    .argument('<version>', 'version that was pushed')
    .option('--host <host...>', 'it is for these hosts, besides those that it is for already')
    .option('--all-hosts', 'it is for all hosts that are enrolled')
    .addOption(outputOption());
  examples(activate, ['assay reference activate web 12', 'assay reference activate web 1 --host web-01 web-02']);
  activate.action(
    action(async (name, version, given) =>
      (await import('./commands/reference-activate.ts')).activateReference(name, version, given),
    ),
  );
}

function trusting(target: Command): Command {
  return target
    .option('--public-key <file>', 'public key of a signer, PEM; may be repeated', collect)
    .option('--bundle <file>', 'bundle of Sigstore, as `cosign sign-blob --bundle` writes it')
    .option('--trusted-root <file>', 'authorities and logs of Sigstore, for signatures by identities')
    .option('--identity <text>', 'exact address or URI in the certificate of the signer')
    .option('--issuer <url>', 'exact address of who vouches for the identity');
}

function addKeylime(reference: Command): void {
  const take = command(reference, 'import', 'Make reference values of a runtime policy of Keylime.')
    .argument('<file>', 'runtime policy, JSON; in a DSSE envelope or not')
    .requiredOption('--name <name>', 'name of the reference values')
    .requiredOption('--out <file>', 'the reference values; is replaced as a whole where it exists')
    .option('--version-number <number>', 'their version', '1')
    .option('--owner <name>', 'who answers for the excludes', 'unknown')
    .option('--expires <time>', 'RFC 3339 time at which the excludes end (default: in 90 days)')
    .option('--public-key <file>', 'key by which the envelope must be signed, PEM; may be repeated', collect)
    .addOption(outputOption());
  examples(take, [
    'assay reference import policy.json --name web-fleet --owner platform --out v1.json',
    'assay reference import signed.json --public-key keylime.pub --name web-fleet --out v1.json',
  ]);
  take.action(
    action(async (file, given) => (await import('./commands/reference-import.ts')).importPolicy(file, given)),
  );
  const give = command(reference, 'export', 'Write reference values as a runtime policy of Keylime.')
    .argument('<file>', 'reference values')
    .requiredOption('--out <file>', 'the runtime policy, JSON; is replaced as a whole where it exists')
    .addOption(outputOption());
  examples(give, [
    'assay reference export v12.json --out policy.json',
    'assay reference export v12.json --out p.json -o json',
  ]);
  give.action(
    action(async (file, given) => (await import('./commands/reference-export.ts')).exportPolicy(file, given)),
  );
}
