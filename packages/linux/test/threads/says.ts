import { getCompileCacheDir } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

// What a thread that a test started was given, and where it keeps what it compiles.
parentPort?.postMessage({ data: workerData as unknown, compiled: getCompileCacheDir() }, []);
