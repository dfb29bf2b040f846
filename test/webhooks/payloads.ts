/** Payloads with the fields that we read, as GitHub names them. */
export function anIssuesPayload(action: string, overrides: Record<string, unknown> = {}) {
  return {
    action,
    issue: {
      number: 42,
      updated_at: '2026-05-04T12:00:00Z',
      closed_at: null,
      title: 'Totals are wrong',
      body: null,
    },
    label: { id: 9, name: 'Agent:Backend' },
    repository: {
      id: 71,
      name: 'widgets',
      full_name: 'acme/widgets',
      owner: { login: 'acme', id: 3 },
      private: true,
      default_branch: 'trunk',
      clone_url: 'https://github.com/acme/widgets.git',
      html_url: 'https://github.com/acme/widgets',
    },
    sender: { login: 'alice', id: 4, type: 'User' },
    installation: { id: 5 },
    ...overrides,
  };
}
