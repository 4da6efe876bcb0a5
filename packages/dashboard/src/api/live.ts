import { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { applyEvent, HeardLines } from './cache.ts';
import { fleetQuery } from './queries.ts';
import { againIn, holdDocumentsUntil } from './documents.ts';
import { type Connection, EventStream } from './events.ts';

/** Nothing is asked on a timer but what had no answer: the event stream says when an answer became old. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      retry: false,
      refetchInterval: againIn(false),
      refetchOnWindowFocus: false,
      networkMode: 'always',
    },
    mutations: { retry: false, networkMode: 'always' },
  },
});

const heard = new HeardLines();

/** An answer that was asked for before the stream opened may be of the time before: what then happened was not heard. */
async function readAgain(): Promise<void> {
  heard.forget();
  await queryClient.cancelQueries();
  await queryClient.invalidateQueries();
}

/** In a storm of changes the fleet is counted anew this often, not for each of them. */
const FLEET_REST_MS = 3000;
let fleetTimer = 0;

function readFleetAgain(): void {
  if (fleetTimer !== 0) return;
  void queryClient.invalidateQueries({ queryKey: fleetQuery.queryKey });
  fleetTimer = window.setTimeout(() => {
    fleetTimer = 0;
    void queryClient.invalidateQueries({ queryKey: fleetQuery.queryKey });
  }, FLEET_REST_MS);
}

export const eventStream = new EventStream({
  onOpenAgain: () => void readAgain(),
  onRefused: () => void queryClient.invalidateQueries({ queryKey: ['who'] }),
  onEvent: (event) => {
    if (applyEvent(queryClient, heard, event)) readFleetAgain();
  },
});

/** Somebody may have signed in in another tab. */
window.addEventListener('focus', () => {
  if (eventStream.current().state === 'refused') eventStream.connect();
});

holdDocumentsUntil(eventStream.tried);

export function useConnection(): Connection {
  return useSyncExternalStore(eventStream.subscribe, eventStream.current);
}
