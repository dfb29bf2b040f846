import path from 'node:path';

export type UnitFacts = {
  /** The name people see. */
  runnerName: string;
  /** Of the operating system. */
  user: string;
  /** Absolute: the program with its fixed arguments. */
  command: readonly [string, ...string[]];
  configFile: string;
  /** Folders that the runner writes in, beside its state. */
  writable: readonly string[];
};

/** Exit codes after which a restart helps nobody; see `RUNNER_EXIT`. */
const HOPELESS_EXITS = [2, 3, 4, 5, 6];
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * A systemd unit for the runner, commented. What is hardened is what leaves unprivileged user namespaces with a /proc of their own, which
 * bubblewrap needs: the kernel gives them one only where the whole of /proc is to be seen. Throws for names that a unit can’t hold.
 */
export function toUnitFile(facts: UnitFacts): string {
  const { command, configFile, user } = facts;
  if (!/^[a-z_][a-z0-9_-]*\$?$/i.test(user)) throw new Error(`“${user}” is no name of a user`);
  const [program] = command;
  const folder = path.dirname(configFile);
  const execStart = [...command, 'runner', 'run', '--config', configFile].map(toArgument).join(' ');
  const writable = facts.writable
    .map((folder_) => `-${folder_}`)
    .map(toQuoted)
    .join(' ');
  return `# Made by “yardmaster runner service”. Changes of your own: systemctl edit <this unit>.
[Unit]
Description=Yardmaster runner ${toPlain(facts.runnerName)}
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
# systemd-notify, a process of its own, tells for the runner.
NotifyAccess=all
User=${user}
WorkingDirectory=${toSpecifierFree(folder)}
ExecStart=${execStart}
# Reads runner.yml anew.
ExecReload=/bin/kill -HUP $MAINPID
# Keys of agents, one NAME=value a line; it goes before PATH below, too. For root alone: chmod 600.
EnvironmentFile=-${toSpecifierFree(path.join(folder, 'runner.env'))}
Environment=${toQuoted(`PATH=${path.dirname(program)}:${SYSTEM_PATH}`)}
# Where runners of one identity find each other.
StateDirectory=yardmaster
Environment=XDG_STATE_HOME=/var/lib

# The event loop answers, or the runner is started anew.
WatchdogSec=90
Restart=on-failure
RestartSec=5
# Configuration, lock, revoked, versions, superseded: these need a person.
RestartPreventExitStatus=${HOPELESS_EXITS.join(' ')}
# SIGTERM goes to the runner alone: it finishes what it has, for so long. What is cut off then is reported at the next start.
KillMode=mixed
TimeoutStopSec=15min
# An agent that takes too much memory is the end of the agent.
OOMPolicy=continue
# MemoryMax=16G
# TasksMax=8192

UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths=${writable}
PrivateTmp=yes
ProtectControlGroups=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
# Left out, since each of them takes the sandbox away from agents and tests: RestrictNamespaces, PrivateUsers,
# ProtectKernelTunables, ProtectKernelLogs, ProtectHostname, ProcSubset, and filters of mount and pivot_root.

[Install]
WantedBy=multi-user.target
`;
}

/** An argument of ExecStart: neither a specifier nor a variable nor two words. */
function toArgument(text: string): string {
  return toQuoted(text).replaceAll('$', '$$$$');
}

function toQuoted(text: string): string {
  const safe = toSpecifierFree(text);
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `"${safe.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function toSpecifierFree(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\u0000-\u001F\u007F]/.test(text)) throw new Error('A unit can’t hold a path with control characters');
  return text.replaceAll('%', '%%');
}

function toPlain(text: string): string {
  return text.replace(/[^\w .-]/g, '_');
}
