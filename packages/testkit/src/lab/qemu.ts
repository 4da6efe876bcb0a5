import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { toolEnvironment, toolError } from './tools.ts';

/** The three serial lines of a guest. */
export type GuestStream = 'console' | 'stdout' | 'stderr';

const STREAMS: readonly GuestStream[] = ['console', 'stdout', 'stderr'];
const FIRST_STREAM_FD = 3;
const PROGRAM = 'qemu-system-x86_64';

export interface Machine {
  /** What starts: a kernel by the BIOS, or what UEFI firmware finds on a disk. */
  readonly start: DirectStart | FirmwareStart;
  /** Raw images; only `results` is written to, which receives what the guest leaves. */
  readonly disks: Disks;
  /** Lets the guest reach a port of the loopback of this machine, and nothing else. */
  readonly network?: Network | undefined;
  /** Path of the control socket of swtpm. */
  readonly tpmSocket: string;
  readonly memoryMiB: number;
}

interface DirectStart {
  /** Path of the kernel's image. */
  readonly kernel: string;
  readonly initrd: string;
  readonly cmdline: string;
}

interface FirmwareStart {
  /** Paths of the code, and of the flash with the variables, which is written to. */
  readonly code: string;
  readonly variables: string;
  /** Directory that the firmware sees as a disk with a FAT file system. */
  readonly systemPartition: string;
}

interface Disks {
  readonly root: string;
  readonly modules: string;
  readonly results: string;
  /** A file system of the caller's. */
  readonly tree?: string | undefined;
}

export interface Network {
  readonly port: number;
  /** Path of the busybox that carries each connection. */
  readonly busybox: string;
}

/** Where the guest finds that port. */
export const GUEST_PEER = '10.0.2.100:80';

/** Thread and processor as they are: with others, guests under emulation die at random. */
export function qemuArguments(machine: Machine): string[] {
  const { start, disks, network, tpmSocket, memoryMiB } = machine;
  const drive = (path: string, mode: string): string[] => [
    '-drive',
    `file=${path.replaceAll(',', ',,')},if=virtio,format=raw,${mode}`,
  ];
  const options = [
    ['-accel', 'tcg,thread=single', '-cpu', 'max,-cx16', '-smp', '1', '-m', `${memoryMiB}M`],
    ['-display', 'none', '-monitor', 'none', '-no-reboot', '-no-user-config'],
    ['-nic', network === undefined ? 'none' : card(network)],
    STREAMS.flatMap((name, index) => serialLine(name, FIRST_STREAM_FD + index)),
    drive(disks.root, 'snapshot=on'),
    drive(disks.modules, 'readonly=on'),
    drive(disks.results, 'cache=unsafe'),
    disks.tree === undefined ? [] : drive(disks.tree, 'readonly=on'),
    ['-chardev', `socket,id=tpm,path=${tpmSocket}`],
    ['-tpmdev', 'emulator,id=tpm0,chardev=tpm', '-device', 'tpm-tis,tpmdev=tpm0'],
    'code' in start ? firmware(start) : ['-kernel', start.kernel, '-initrd', start.initrd, '-append', start.cmdline],
  ];
  return options.flat();
}

/** Debian's firmware with Secure Boot keeps its variables from the system by System Management Mode. */
function firmware({ code, variables, systemPartition }: FirmwareStart): string[] {
  const name = (path: string): string => path.replaceAll(',', ',,');
  return [
    ['-machine', 'q35,smm=on', '-global', 'driver=cfi.pflash01,property=secure,value=on'],
    ['-drive', `if=pflash,format=raw,file=${name(code)},readonly=on`],
    ['-drive', `if=pflash,format=raw,file=${name(variables)}`],
    ['-drive', `if=none,id=system,format=raw,file=fat:${name(systemPartition)},snapshot=on`],
    ['-device', 'ide-hd,drive=system,bootindex=0'],
  ].flat();
}

function card({ port, busybox }: Network): string {
  const peer = `guestfwd=tcp:${GUEST_PEER}-cmd:${busybox} nc 127.0.0.1 ${port}`;
  return `user,model=virtio-net-pci,restrict=on,${peer}`;
}

function serialLine(name: GuestStream, fd: number): string[] {
  return ['-chardev', `socket,id=${name},fd=${fd}`, '-serial', `chardev:${name}`];
}

/** How a machine went: what came on its serial lines. It ends by itself when its guest powers off or panics. */
export interface MachineEnd extends Readonly<Record<GuestStream, Uint8Array>> {
  /** What QEMU itself said. */
  readonly complaint: string;
}

export interface Watch {
  /** Ends the machine when it aborts. */
  readonly signal: AbortSignal;
  readonly onOutput?: ((stream: GuestStream, piece: Uint8Array) => void) | undefined;
}

/**
 * Runs a machine to its end.
 * @throws SystemError LAB-GUEST where QEMU does not start it
 */
export async function runMachine(machine: Machine, { signal, onOutput }: Watch): Promise<MachineEnd> {
  signal.throwIfAborted();
  // A group of its own, so that Ctrl-C ends it by the signal only; and it dies with this process, however that dies.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', PROGRAM, ...qemuArguments(machine)], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    env: toolEnvironment(),
  });
  const kill = (): boolean => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  const complaint = collect(child.stderr);
  const line = (name: GuestStream): (() => Uint8Array) => {
    const mark = name === 'console' ? undefined : SCRIPT_MARK;
    return collect(child.stdio[FIRST_STREAM_FD + STREAMS.indexOf(name)], mark, (piece) => onOutput?.(name, piece));
  };
  const lines = { console: line('console'), stdout: line('stdout'), stderr: line('stderr') };
  try {
    await once(child, 'close');
  } catch (error) {
    throw toolError('setpriv', error, 'LAB-GUEST');
  } finally {
    signal.removeEventListener('abort', kill);
  }
  const { console: messages, stdout, stderr } = lines;
  return {
    console: messages(),
    stdout: stdout(),
    stderr: stderr(),
    complaint: Buffer.from(complaint()).toString('utf8'),
  };
}

/** Of each stream; what is over it is dropped. */
const STREAM_LIMIT = 64 * 1024 * 1024;

/** Of the guest, before the output of the script: firmware writes to all lines. */
const SCRIPT_MARK = Buffer.from('lab: script\n');

/** @returns what has come so far, behind the mark if there is to be one */
function collect(stream: unknown, mark?: Uint8Array, onPiece?: (piece: Uint8Array) => void): () => Uint8Array {
  const pieces: Uint8Array[] = [];
  let room = STREAM_LIMIT;
  const behind = mark === undefined ? (piece: Uint8Array) => piece : behindMark(mark);
  if (stream instanceof Readable) {
    stream.on('data', (all: Uint8Array) => {
      const piece = behind(all);
      pieces.push(piece.subarray(0, room));
      room -= Math.min(room, piece.length);
      onPiece?.(piece);
    });
  }
  return () => Buffer.concat(pieces);
}

/** Passes over all that comes before a mark, and the mark. */
export function behindMark(mark: Uint8Array): (piece: Uint8Array) => Uint8Array {
  let before: Buffer | undefined = Buffer.alloc(0);
  return (piece) => {
    if (before === undefined) return piece;
    const all: Buffer = Buffer.concat([before, piece]);
    const at = all.indexOf(mark);
    before = at < 0 ? all.subarray(Math.max(0, all.length - mark.length + 1)) : undefined;
    return at < 0 ? new Uint8Array() : all.subarray(at + mark.length);
  };
}
