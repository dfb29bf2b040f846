/** A repository on the GitHub that the one with the submodule is on. */
export type SubmoduleRepository = { owner: string; name: string };

export type SubmoduleAddress = { ok: true; repository: SubmoduleRepository } | { ok: false; reason: string };

/** What GitHub allows as owner and repository; neither can be `.` or `..`. */
const OWNER = /^[A-Za-z0-9][\w-]{0,99}$/;
const NAME = /^(?!\.{1,2}$)[\w.-]{1,100}$/;

const ELSEWHERE = 'it is not on the same GitHub';

/**
 * Where the `url` of a submodule leads, as `.gitmodules` has it: hostile text. Only to a repository on the same host, however it is
 * written: `../other.git`, `https://…`, `git@host:owner/name.git`. Never to a file or a program of this machine.
 */
export function toSubmoduleAddress(url: string, cloneUrl: string): SubmoduleAddress {
  const parent = new URL(cloneUrl);
  if (/[\p{C}\s\\%]/u.test(url)) return refuse('its URL has characters that no address of a repository has');
  if (url.startsWith('./') || url.startsWith('../')) return toRepository(resolve(url, parent.pathname));
  const path = /^(?:ssh:\/\/)?git@([^/:@]+)[:/](.*)$/.exec(url);
  if (path !== null) return path[1] === parent.hostname ? toRepository(path[2] ?? '') : refuse(ELSEWHERE);
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    return refuse('its URL is none of https, ssh, or relative');
  const address = new URL(url);
  // Written with http or with https, it is the same GitHub; a credential would be somebody's secret in public.
  if (address.host !== parent.host || address.username !== '' || address.password !== '')
    return refuse(ELSEWHERE);
  return toRepository(address.pathname);
}

/** As git does it: each `..` takes a part off the parent's own address. */
function resolve(url: string, from: string): string {
  const parts = from.split('/').filter((part) => part !== '');
  for (const part of url.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

function toRepository(path: string): SubmoduleAddress {
  const [owner = '', name = '', ...rest] = path.split('/').filter((part) => part !== '');
  const plain = name.replace(/\.git$/, '');
  if (rest.length > 0 || !OWNER.test(owner) || !NAME.test(plain))
    return refuse('its URL names no repository');
  return { ok: true, repository: { owner, name: plain } };
}

function refuse(reason: string): SubmoduleAddress {
  return { ok: false, reason };
}

/** The output of `git config -z --get-regexp` on a `.gitmodules`: path → URL. Of entries for one path the last counts, as in git. */
export function parseSubmodules(output: string): Map<string, string> {
  const byName = new Map<string, { path?: string; url?: string }>();
  for (const entry of output.split('\0')) {
    const [, name, key, value = ''] = /^submodule\.(.*)\.(path|url)\n(.*)$/s.exec(entry) ?? [];
    if (name === undefined || key === undefined) continue;
    byName.set(name, { ...byName.get(name), [key]: value });
  }
  return new Map(
    [...byName.values()].flatMap(({ path, url }) =>
      path === undefined || url === undefined ? [] : [[path, url] as const],
    ),
  );
}
