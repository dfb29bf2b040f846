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

/** Of `check_run`, for an attempt's check run. */
export function aCheckRunPayload(action: string, overrides: Record<string, unknown> = {}) {
  const { issue: _issue, label: _label, ...common } = anIssuesPayload(action);
  return { ...common, check_run: aCheckRun(), ...overrides };
}

export function aCheckRun(overrides: Record<string, unknown> = {}) {
  return {
    id: 900,
    head_sha: 'a'.repeat(40),
    external_id: `${JOB_ID}:${ATTEMPT_ID}`,
    app: { id: 3 },
    check_suite: { id: 800, head_branch: 'agent/42-totals' },
    ...overrides,
  };
}

export const JOB_ID = '4f0a3f0e-6f6d-4c8e-9a51-0d2f5e7c1a01';
export const ATTEMPT_ID = '9b1f6f52-0f0b-4b6e-8a46-1f4f0f3b2c02';
