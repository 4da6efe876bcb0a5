// Takes a while to load, and waits for messages then.
import { parentPort, workerData } from 'node:worker_threads';

const isLoaded: Int32Array<SharedArrayBuffer> = workerData; // oxlint-disable-line typescript/no-unsafe-assignment -- Of any, by its API.
Atomics.wait(isLoaded, 0, 0, 200);
Atomics.store(isLoaded, 0, 1);
parentPort?.on('message', () => undefined);
