import { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { applyEvent, arrivalsOf } from './cache.ts';
import { type Connection, EventStream } from './events.ts';
import { noteArrivals } from '../state/arrivals.ts';

/** Nothing is asked on a timer: the event stream says when an answer became old. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { staleTime: Number.POSITIVE_INFINITY, retry: false, refetchOnWindowFocus: false, networkMode: 'always' },
    mutations: { retry: false, networkMode: 'always' },
  },
});

/** An answer that was asked for before the stream opened may be of the time before: what then happened was not heard. */
async function readAgain(): Promise<void> {
  await queryClient.cancelQueries();
  await queryClient.invalidateQueries();
}

export const eventStream = new EventStream({
  onOpen: () => void readAgain(),
  onEvent: (event) => {
    if (event.type === 'measurements') {
      noteArrivals(event.hostId, arrivalsOf(queryClient, event.hostId, event.measurements));
    }
    applyEvent(queryClient, event);
  },
});

export function useConnection(): Connection {
  return useSyncExternalStore(eventStream.subscribe, eventStream.current);
}
