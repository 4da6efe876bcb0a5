import { Link } from '@tanstack/react-router';
import { Empty } from '../parts/empty.tsx';
import { useTitle } from '../parts/page.tsx';

export function NoPage() {
  useTitle('No such page');
  return (
    <>
      <h1 className="sr-only">No such page</h1>
      <Empty icon="question" title="There is no page at this address">
        <p>
          <Link to="/" className="underline underline-offset-4">
            To the fleet
          </Link>
        </p>
      </Empty>
    </>
  );
}
