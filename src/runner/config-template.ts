/**
 * A commented runner.yml for a newly enrolled machine. Values are written as JSON, which is YAML too, so that nothing in them can break
 * out of its place.
 */
export function toConfigTemplate(values: {
  agentId: string;
  hostname: string;
  coordinatorUrl: string;
  specialties: readonly string[];
  workspaceRoot: string;
  /** `required` where it was seen to work. */
  sandboxMode: 'required' | 'auto';
}): string {
  return `# Settings of this Yardmaster runner. docs/runner.md lists every key.

# The name that people see.
agent_id: ${JSON.stringify(values.agentId)}
hostname: ${JSON.stringify(values.hostname)}
coordinator_url: ${JSON.stringify(values.coordinatorUrl)}

# What this machine is for; issues are routed by it.
specialties: ${JSON.stringify(values.specialties)}

# Clones, workspaces and the runner's own state. A folder of its own, on a local disk.
workspace_root: ${JSON.stringify(values.workspaceRoot)}
max_concurrent_tasks: 2

# For how many hours installed dependencies and the agent's session wait for the next round of a pull request; 0: never.
# keep_workspaces_hours: 72

# Git works with tokens that last an hour, from the coordinator. Only where this machine has to use credentials of its own:
# github: { token: "…" }

claude_code:
  # latest takes what is installed; a version (or its beginning) makes sure of it.
  version: latest
  # A folder of a Claude Code that is logged in; otherwise ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN of the environment is used.
  # config_path: ~/.claude

logging:
  level: INFO
  # file: /var/log/yardmaster/runner.log

# Other agents beside Claude Code (docs/runner.md):
# agents:
#   codex: { kind: codex, model: gpt-5.2-codex }
#   gemini: { kind: gemini }
#   house-agent: { kind: command, command: [/opt/house-agent/bin/agent, --headless] }
# The first that can do the work; the next when its service is out:
# default_agent: [claude, codex]

# Agents, set-up and tests run in bubblewrap. required: nothing runs without it; preferred: without it where it does not work;
# auto: as preferred until it works for the first time, as required from then on.
sandbox:
  mode: ${values.sandboxMode}
  # Toolchains outside of /usr and of the PATH, such as those in a home folder:
  # readable: [~/.cargo/bin, ~/.rustup]
  # Package registries of your own; those of the ecosystems are known.
  # hosts: [packages.example.com]
  # What a repository's settings (hosts: in .github/yardmaster.yml) may open to agents and tests: none, these, or any public host.
  # repository_hosts: ["*.example.com"]

# All below workspace_root, and what one attempt may take of it, in gigabytes; what nobody uses goes first:
# disk: { max_gb: 200, attempt_max_gb: 50 }

# What this machine has is looked up; more can be added:
# capabilities: { extra: [gpu] }

# GET /health for this machine only; false turns it off.
health: { host: 127.0.0.1, port: 8000 }
`;
}
