/** Links as Markdown and as plain addresses; only those that lead to a page. */
const LINKS = /\[([^\]\n]{1,500})\]\((https?:\/\/[^\s)<>"]{1,2000})\)|https?:\/\/[^\s()<>"'`\]]{1,2000}/g;

/** Markdown as HTML for people: as it was written, with links to follow, and without comments, which GitHub shows to nobody either. */
export function showMarkdown(markdown: string): string {
  const text = withoutComments(markdown).trim();
  let html = '';
  let end = 0;
  for (const match of text.matchAll(LINKS)) {
    const [whole, name = whole, address = whole] = match;
    html += escapeHtml(text.slice(end, match.index)) + link(address, name);
    end = match.index + whole.length;
  }
  return html + escapeHtml(text.slice(end));
}

export function link(address: string, text: string): string {
  return `<a href="${escapeHtml(address)}">${escapeHtml(text)}</a>`;
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

function withoutComments(markdown: string): string {
  const [first = '', ...others] = markdown.split('<!--');
  return [
    first,
    ...others.map((part) => {
      const end = part.indexOf('-->');
      return end === -1 ? `<!--${part}` : part.slice(end + 3);
    }),
  ].join('');
}
