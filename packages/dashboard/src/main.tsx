import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { eventStream, queryClient } from './api/live.ts';
import { Page } from './parts/page.tsx';
import { takeTokenFromAddress } from './state/operator-token.ts';
import { applyTheme } from './state/theme.ts';
import './style.css';

applyTheme();
takeTokenFromAddress();
eventStream.connect();

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <Page />
    </QueryClientProvider>
  </StrictMode>,
);
