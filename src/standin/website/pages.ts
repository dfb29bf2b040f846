import type { ServerResponse } from 'node:http';
import { patternToExpression } from '../http/router.ts';
import type { Site } from '../site.ts';
import { asPull } from '../shapes/pull-shapes.ts';
import { fullNameOf, type Issue, type Repository } from '../world.ts';
import { escapeHtml, link, showMarkdown } from './show-markdown.ts';

const issuePage = patternToExpression('/:owner/:repo/issues/#number');
const pullPage = patternToExpression('/:owner/:repo/pull/#number');
const runPage = patternToExpression('/:owner/:repo/runs/#number');
const repositoryPage = patternToExpression('/:owner/:repo');

/**
 * Plain pages for people at the addresses that `html_url` names: repository, issue, pull request, check run.
 * Text is shown as it is, escaped, with links; nothing on them can be changed.
 */
export function createPages(site: Pick<Site, 'world' | 'shapes' | 'refs'>) {
  const { world, shapes, refs } = site;

  /** The page for a path, or undefined. */
  async function render(path: string): Promise<string | undefined> {
    if (path === '/') return page('GitHub stand-in', repositoryList());
    for (const [expression, show] of [
      [issuePage, showIssue],
      [pullPage, showIssue],
      [runPage, showRun],
      [repositoryPage, showRepository],
    ] as const) {
      const groups = expression.exec(path)?.groups;
      const repository = groups && world.repository(`${groups['owner']}/${groups['repo']}`);
      if (repository) return show(repository, Number(groups['number']));
    }
    return undefined;
  }

  function repositoryList(): string {
    const items = [...world.repositories.values()].map((one) => `<li>${link(webPath(one), fullNameOf(one))}`);
    return `<ul>${items.join('')}</ul>`;
  }

  async function showRepository(repository: Repository): Promise<string> {
    const branches = await refs.list(repository.folder, 'refs/heads');
    const issues = [...repository.issues.values()].map(
      (issue) =>
        `<li>${link(issuePath(repository, issue), `#${issue.number} ${issue.title}`)} ${issue.state}`,
    );
    const names = branches.map(
      ({ name, sha }) => `<li>${escapeHtml(name.slice(11))} <code>${sha.slice(0, 10)}</code>`,
    );
    return page(
      fullNameOf(repository),
      `<h2>Issues and pull requests</h2><ul>${issues.join('')}</ul><h2>Branches</h2><ul>${names.join('')}</ul>`,
    );
  }

  function showIssue(repository: Repository, number: number): string | undefined {
    const issue = repository.issues.get(number);
    if (!issue) return undefined;
    const comments = [...repository.comments.values()].filter((comment) => comment.issueNumber === number);
    const labels = issue.labels.map((label) => `<mark>${escapeHtml(label.name)}</mark>`).join(' ');
    return page(
      `#${number} ${issue.title}`,
      [
        `<p>${escapeHtml(issue.state)} · ${escapeHtml(issue.author.login)} ${labels}</p>`,
        pullFacts(repository, issue),
        post(issue.author.login, issue.body ?? ''),
        ...comments.map((comment) => post(comment.author.login, comment.body)),
      ].join('\n'),
    );
  }

  function pullFacts(repository: Repository, issue: Issue): string {
    const pull = asPull(issue);
    if (!pull) return '';
    const { head, base, headSha, mergedAtMs } = pull.pull;
    const runs = [...repository.checkRuns.values()].filter((run) => run.headSha === headSha);
    const checks = runs.map(
      (run) =>
        `<li>${link(`${webPath(repository)}/runs/${run.id}`, run.name)} ${run.conclusion ?? run.status}`,
    );
    const merged = mergedAtMs === null ? '' : ', merged';
    return `<p>${escapeHtml(head)} → ${escapeHtml(base)}${merged}</p><ul>${checks.join('')}</ul>`;
  }

  function showRun(repository: Repository, id: number): string | undefined {
    const run = repository.checkRuns.get(id);
    if (!run) return undefined;
    const { title, summary, text } = run.output;
    const buttons =
      run.status === 'completed' ? run.actions.map((action) => `[${escapeHtml(action.label)}]`) : [];
    return page(
      run.name,
      [
        `<p>${run.conclusion ?? run.status} · <code>${run.headSha}</code> ${buttons.join(' ')}</p>`,
        `<h2>${escapeHtml(title ?? '')}</h2>`,
        `<pre>${showMarkdown(summary ?? '')}</pre><pre>${showMarkdown(text ?? '')}</pre>`,
      ].join('\n'),
    );
  }

  function webPath(repository: Repository): string {
    return new URL(shapes.repositories.webUrl(repository)).pathname;
  }

  function issuePath(repository: Repository, issue: Issue): string {
    return new URL(shapes.issues.webUrl(repository, issue)).pathname;
  }

  return {
    async answer(path: string, response: ServerResponse): Promise<void> {
      const html = await render(path);
      response.writeHead(html === undefined ? 404 : 200, {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
      });
      response.end(html ?? page('Not found', ''));
    },
  };
}

function page(title: string, content: string): string {
  return `<!doctype html><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap;background:#f6f8fa;padding:1rem}article{border:1px solid #ccc;margin:1rem 0}article b{display:block;padding:.5rem 1rem}article pre{margin:0}</style>
<h1>${escapeHtml(title)}</h1>
${content}
`;
}

function post(author: string, body: string): string {
  return `<article><b>${escapeHtml(author)}</b><pre>${showMarkdown(body)}</pre></article>`;
}
