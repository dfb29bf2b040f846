import type { Links } from '../shapes/links.ts';
import { ApiError } from './api-error.ts';
import type { Call } from './router.ts';

const defaultPerPage = 30;
const maximumPerPage = 100;

/** The asked-for page of a list, with the `Link` header that leads to the others. */
export function pageOf<T>(call: Call, links: Links, items: readonly T[]): Page<T> {
  const perPage = Math.min(positive(call, 'per_page', defaultPerPage), maximumPerPage);
  const page = positive(call, 'page', 1);
  const lastPage = Math.max(1, Math.ceil(items.length / perPage));

  const targets: [rel: string, page: number][] = [];
  if (page > 1) targets.push(['prev', Math.min(page - 1, lastPage)]);
  if (page < lastPage) targets.push(['next', page + 1], ['last', lastPage]);
  if (page > 1) targets.push(['first', 1]);

  const link = targets.map(([rel, number]) => `<${pageUrl(call, links, number)}>; rel="${rel}"`).join(', ');
  return {
    items: items.slice((page - 1) * perPage, page * perPage),
    headers: link === '' ? {} : { link },
  };
}

export type Page<T> = { items: T[]; headers: Record<string, string> };

function pageUrl(call: Call, links: Links, page: number): string {
  const query = new URLSearchParams(call.query);
  query.set('page', String(page));
  return `${links.api}${call.path}?${query.toString()}`;
}

function positive(call: Call, name: string, fallback: number): number {
  const text = call.query.get(name);
  if (text === null) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value)) throw new ApiError(422, `Invalid request.\n\n"${name}" is not an integer.`);
  return Math.max(1, value);
}
