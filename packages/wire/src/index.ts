export * from './agent.ts';
export * from './alerts.ts';
export * from './events.ts';
export * from './hosts.ts';
export * from './results.ts';
export * from './routes.ts';
export * from './scalars.ts';
export * from './client.ts';
