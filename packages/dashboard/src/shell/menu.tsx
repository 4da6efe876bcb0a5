import { Link } from '@tanstack/react-router';
import { Icon } from '../parts/icon.tsx';
import { PAGES, type PageRow } from './navigation.ts';

function Entry({ page }: { page: PageRow }) {
  return (
    <li>
      <Link
        to={page.to}
        activeOptions={{ exact: page.to === '/', includeSearch: false }}
        className="menu-entry"
        title={page.asks}
      >
        <Icon name={page.icon} className="size-5" />
        {page.title}
      </Link>
    </li>
  );
}

/** The pages, with the one that is shown marked by weight and line as well as by colour. */
export function Menu() {
  const groups = [...Map.groupBy(PAGES, ({ group }) => group)];
  return (
    <nav aria-label="Pages" className="space-y-5">
      {groups.map(([group, pages]) => (
        <div key={group}>
          <p className="mb-1 px-3 eyebrow">{group}</p>
          <ul>
            {pages.map((page) => (
              <Entry key={page.to} page={page} />
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}
