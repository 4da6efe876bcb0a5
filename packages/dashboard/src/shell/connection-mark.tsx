import { useConnection } from '../api/live.ts';

const WORDS = { connecting: 'Connecting', live: 'Live', lost: 'Not connected', refused: 'Not let in' } as const;
const TONES = { connecting: 'quiet', live: 'good', lost: 'bad', refused: 'caution' } as const;

export function ConnectionMark() {
  const { state } = useConnection();
  return (
    <p data-tone={TONES[state]} className="flex items-center gap-2 text-sm font-medium text-tone">
      <span
        aria-hidden="true"
        className={`size-2 rounded-full ${state === 'lost' || state === 'refused' ? 'border-2 border-tone-solid' : 'bg-tone-solid'} ${state === 'live' ? 'pulse' : ''}`}
      />
      <span className={state === 'live' ? 'max-sm:sr-only' : ''}>{WORDS[state]}</span>
    </p>
  );
}
